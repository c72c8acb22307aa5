"""python setup.py build_ext --inplace"""

from Cython.Build import cythonize
from setuptools import Extension, setup

import pylstm

# The header is all that the C compiler needs of pylstm; Cython finds pylstm/__init__.pxd by itself.
spotter = Extension("spotter", ["spotter.pyx"], include_dirs=[pylstm.get_include()])

setup(name="spotter", ext_modules=cythonize([spotter], language_level=3))
