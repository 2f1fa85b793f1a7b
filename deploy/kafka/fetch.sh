#!/bin/sh
# Copies Apache Kafka's jars into a folder, so that a broker runs without Docker.
#
#   deploy/kafka/fetch.sh build/kafka
set -eu

folder=${1:?name the folder to copy into}
pom=$(dirname "$0")/pom.xml

lacking() {
  echo "Apache Kafka cannot be set up here: $1" >&2
  exit 1
}

command -v java >/dev/null || lacking "there is no java on the PATH; install a JRE of Java 17 or later"
command -v mvn >/dev/null || lacking "there is no mvn on the PATH; install Apache Maven"
# 'openjdk version "17.0.15" 2025-04-15'; the ones before 9 said 1.8
version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
[ "${version:-0}" -ge 17 ] || lacking "java is version ${version:-unknown}, and Kafka 4 needs 17 or later"

rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mvn --batch-mode --quiet --no-transfer-progress -f "$pom" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$folder" ||
  lacking "Maven could not get the jars; what it said is above"
