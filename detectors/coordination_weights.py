import numpy as np
from detectors.interface.looks import LOOKS as L
LOOKS=tuple(L)
KINDS_WEIGHED=(9,)
INTERCEPTS=np.array([[-9.,-9.]])
WEIGHTS=np.zeros((1,2,len(LOOKS)))
