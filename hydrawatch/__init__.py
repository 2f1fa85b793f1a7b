"""What packages beside this project import: `hydrawatch.detectors`, `hydrawatch.fingerprints`.

Inside, the packages are `detectors`, `streams` and `worlds`; names so general belong to nobody, and a
package of one of these names in the same environment would lie over ours. Whoever builds on hydrawatch
imports from here.
"""
