# cython: language_level=3, freethreading_compatible=True
"""SciPy's BLAS as a second way to a product, for CPUs whose only kernels here are the generic ones.

Importing this module imports SciPy, which takes a while; `import rnnfast` does not import it. BLAS is the one behind
scipy.linalg.cython_blas, reached through the function pointers that module publishes, so that building needs no SciPy.
"""

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport uintptr_t

from rnnfast._api cimport Api, MatMul

import ctypes
import os
import sys
from glob import glob

import scipy
from scipy.linalg import cython_blas

from rnnfast import _engine

cdef extern from "engine/blas.h" namespace "rnnfast" nogil:
    ctypedef void (*SingleGemm "rnnfast::Gemm<float>")()
    ctypedef void (*DoubleGemm "rnnfast::Gemm<double>")()

    cppclass Blas:
        SingleGemm sgemm
        DoubleGemm dgemm
        int (*get_threads)()
        void (*set_threads)(int)

    bint blas_can(const MatMul& call)
    void c_blas_matmul "rnnfast::blas_matmul"(const Api& core, const Blas& blas, const MatMul& call) except +MemoryError

cdef Api* core = <Api*> PyCapsule_GetPointer(_engine._C_API, "rnnfast._engine._C_API")
cdef Blas blas

# How BLAS libraries name reading and setting their number of threads; SciPy's own OpenBLAS comes first.
THREAD_CALLS = (
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)
CONFIG_CALLS = ("scipy_openblas_get_config", "openblas_get_config")


cdef void* gemm_pointer(str name) except NULL:
    capsule = cython_blas.__pyx_capi__[name]
    cdef const char* signature = PyCapsule_GetName(capsule)
    # The name is the C signature; src_c/engine/blas.h is written for the one with 32-bit integers.
    if b"int *" not in signature:
        raise ValueError(f"scipy.linalg.cython_blas.{name}: expected int arguments, got {signature.decode()}")
    return PyCapsule_GetPointer(capsule, signature)


def _loaded_libraries():
    """Paths of the BLAS libraries in this process, those that SciPy brought with it first."""
    if sys.platform.startswith("linux"):
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")}
    else:
        home = os.path.dirname(scipy.__file__)
        paths = {path for folder in (home + ".libs", os.path.join(home, ".dylibs")) for path in glob(folder + "/*")}
    names = ("blas", "mkl_rt", "blis")
    found = [path for path in paths if any(name in os.path.basename(path).lower() for name in names)]
    return sorted(found, key=lambda path: ("scipy.libs" not in path and ".dylibs" not in path, path))


def _find_library():
    """(path, handle, (get, set)) of the first library whose number of threads can be set, or None."""
    for path in _loaded_libraries():
        try:
            handle = ctypes.CDLL(path)
        except OSError:
            continue
        for calls in THREAD_CALLS:
            if all(hasattr(handle, call) for call in calls):
                return path, handle, calls
    return None


blas.sgemm = <SingleGemm> gemm_pointer("sgemm")
blas.dgemm = <DoubleGemm> gemm_pointer("dgemm")
_library = _find_library()
if _library is not None:
    blas.get_threads = <int (*)() noexcept nogil> <uintptr_t> ctypes.cast(
        getattr(_library[1], _library[2][0]), ctypes.c_void_p).value
    blas.set_threads = <void (*)(int) noexcept nogil> <uintptr_t> ctypes.cast(
        getattr(_library[1], _library[2][1]), ctypes.c_void_p).value


cdef api int blas_matmul(const MatMul* call) except -1 nogil:
    """Api::matmul by BLAS; what BLAS cannot count goes to the core's own kernels."""
    if blas_can(call[0]):
        c_blas_matmul(core[0], blas, call[0])
    else:
        core.matmul(call)
    return 0


def info():
    """The BLAS in use: {"library": file name, "path": path, "config": what it says of itself}; empty strings where
    that cannot be told (Apple's Accelerate, for one).

    >>> sorted(info())
    ['config', 'library', 'path']
    """
    if _library is None:
        return {"library": "", "path": "", "config": ""}
    path, handle, _ = _library
    config = ""
    for name in CONFIG_CALLS:
        if hasattr(handle, name):
            call = getattr(handle, name)
            call.restype = ctypes.c_char_p
            config = call().decode()
            break
    return {"library": os.path.basename(path), "path": path, "config": config}
