"""Build of the compiled parts; everything else about the package is in pyproject.toml.

The core (src_c) becomes static libraries: one per instruction set, each with flags of its own, and `engine`. They are
linked into the extension rnnfast._engine alone, so that the core exists once in a process; the Cython extensions take
its function table from a capsule of rnnfast._engine. Instruction sets and OpenMP are used where the compiler has them.
"""

import os
import platform
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

if sys.platform == "darwin" and "ARCHFLAGS" not in os.environ:
    # One architecture per build: a universal binary would need two sets of flags per source.
    target = sysconfig.get_config_var("MACOSX_DEPLOYMENT_TARGET")
    os.environ["ARCHFLAGS"] = f"-arch {platform.machine()}"
    os.environ.setdefault("_PYTHON_HOST_PLATFORM", f"macosx-{target}-{platform.machine()}")

X86 = ("x86_64", "amd64")
ARM = ("arm64", "aarch64")

# Instruction set -> the machines that may have it (generic: all), and its flags per dialect of the compiler.
AVX512 = "-mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512cd -mavx2 -mfma -mprefer-vector-width=512"
INSTRUCTION_SETS = {
    "generic": ((), {"gcc": "", "msvc": ""}),
    "avx2": (X86, {"gcc": "-mavx2 -mfma", "msvc": "/arch:AVX2"}),
    "avx512": (X86, {"gcc": AVX512, "msvc": "/arch:AVX512"}),
    "neon": (ARM, {"gcc": "", "msvc": ""}),
    # Sets that add instructions for narrow weights to one of the above.
    "avx2_vnni": (X86, {"gcc": "-mavx2 -mfma -mavxvnni", "msvc": "/arch:AVX2"}),
    "avx512_vnni": (X86, {"gcc": f"{AVX512} -mavx512vnni", "msvc": "/arch:AVX512"}),
    "avx512_bf16": (X86, {"gcc": f"{AVX512} -mavx512bf16", "msvc": "/arch:AVX512"}),
    "amx": (X86, {"gcc": f"{AVX512} -mamx-tile -mamx-bf16 -mamx-int8", "msvc": None}),
    "neon_dotprod": (ARM, {"gcc": "-march=armv8.2-a+dotprod", "msvc": None}),
    "neon_bf16": (ARM, {"gcc": "-march=armv8.2-a+bf16", "msvc": None}),
}
ADDITIONS = ("_vnni", "_bf16", "amx", "_dotprod")
EMULATED = {"amx": "avx512"}  # in tests alone: an addition in plain C++, and the set whose flags it is compiled with

# No -march=native, -ffast-math or link-time optimization: a wheel runs on every machine of its platform, results do not
# depend on what a compiler contracts or reorders, and code of one instruction set must not spread into another's.
# RNNFAST_OPTIMIZE=1 is for sanitizers, under which the kernels take minutes and gigabytes to compile at level 3.
BASE_FLAGS = {
    "gcc": f"-O{os.environ.get('RNNFAST_OPTIMIZE') or 3} -g0 -std=c++17 -ffp-contract=off -fno-math-errno -fno-lto "
    "-fvisibility=hidden -fvisibility-inlines-hidden",
    "msvc": "/O2 /std:c++17 /EHsc /fp:precise /bigobj",
}
# Kernels do not throw, and what would unwind them is a weak symbol, of which the linker keeps one for all.
KERNEL_FLAGS = {"gcc": ["-fno-exceptions"], "msvc": []}
OPENMP_FLAGS = {"gcc": "-fopenmp", "msvc": "/openmp"}
OPENMP_PROBE = "#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }\n"

JOBS = int(os.environ.get("RNNFAST_BUILD_JOBS") or os.cpu_count() or 1)
HEADERS = sorted(glob("src_c/**/*.h", recursive=True))
BINDING_PARTS = sorted(glob("rnnfast/*.h") + glob("rnnfast/*.px[di]"))


class Toolchain:
    """What the compiler at hand offers for the target machine: flags, instruction sets, OpenMP."""

    def __init__(self, compiler, plat_name):
        self.compiler = compiler
        self.dialect = "msvc" if compiler.compiler_type == "msvc" else "gcc"
        self.flags = BASE_FLAGS[self.dialect].split()
        openmp = OPENMP_FLAGS[self.dialect].split()
        self.openmp = openmp if self._builds(OPENMP_PROBE, openmp, link=True) else []
        self.openmp_link = [] if self.dialect == "msvc" else self.openmp
        candidates = {
            name: flags[self.dialect].split()
            for name, (machines, flags) in INSTRUCTION_SETS.items()
            if flags[self.dialect] is not None and (name == "generic" or plat_name.lower().endswith(machines))
        }
        self.instruction_sets = {name: f for name, f in candidates.items() if self._builds("int probe;\n", f)}

    def library_flags(self, library):
        if library == "engine":
            return self.flags + self.openmp
        return self.flags + KERNEL_FLAGS[self.dialect] + self.instruction_sets[library]

    def macros(self):
        return [(f"RNNFAST_HAVE_{name.upper()}", "1") for name in self.instruction_sets]

    def link_flags(self, module, directory):
        """Export the module's init function and nothing else, whatever the visibility of what it was made from."""
        if sys.platform == "darwin":
            return [*self.openmp_link, f"-Wl,-exported_symbol,_PyInit_{module}"]
        if sys.platform == "win32":
            return self.openmp_link
        script = Path(directory, f"{module}.exports")
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"{{ global: PyInit_{module}; local: *; }};\n", encoding="ascii")
        return [*self.openmp_link, f"-Wl,--version-script={script}", "-Wl,-s"]

    def _builds(self, source, flags, link=False):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "probe.cpp")
            path.write_text(source, encoding="ascii")
            try:
                objects = self.compiler.compile([str(path)], output_dir=directory, extra_postargs=[*self.flags, *flags])
                if link:
                    self.compiler.link_executable(objects, "probe", output_dir=directory, extra_postargs=flags)
            except (CompileError, LinkError):
                return False
        return True


class BuildCore(build_clib):
    """Compiles the sources of all static libraries side by side, each only when it or a header has changed."""

    def build_libraries(self, libraries):
        plat_name = self.get_finalized_command("build").plat_name
        self.toolchain = Toolchain(self.compiler, plat_name)
        self.names = ["engine", *self.toolchain.instruction_sets]
        sources = {name: info["sources"] for name, info in libraries if name in self.names}
        with ThreadPoolExecutor(JOBS) as pool:
            # The instruction sets first: their sources are heavy with templates.
            objects = {name: [pool.submit(self.build_object, s, name) for s in sources[name]] for name in sources}
        for name, futures in objects.items():
            Path(self.library_path(name)).unlink(missing_ok=True)  # an archive keeps members that are gone
            self.compiler.create_static_lib([f.result() for f in futures], name, output_dir=self.build_clib)

    def build_object(self, source, library, folder="", macros=()):
        folder = os.path.join(self.build_temp, folder)
        (target,) = self.compiler.object_filenames([source], output_dir=folder)
        if self.force or is_older(target, [source, *HEADERS, *Path(source).parent.glob("*.h"), __file__]):
            self.compiler.compile(
                [source],
                output_dir=folder,
                macros=[*self.toolchain.macros(), *macros],
                debug=self.debug,
                extra_postargs=self.toolchain.library_flags(library),
            )
        return target

    def library_path(self, name):
        return self.compiler.library_filename(name, output_dir=self.build_clib)


class BuildCppTests(BuildCore):
    """`setup.py build_cpp_tests`: the programs of tests/cpp, in the folder of the libraries (--build-clib).

    A test that includes kernels becomes one program per instruction set; the others are linked with the whole core, and
    with the kernels for AMX over emulated tiles, which every machine with AVX-512 can run.
    """

    def build_libraries(self, libraries):
        super().build_libraries(libraries)
        emulated = [
            self.build_object(f"tests/cpp/emulated/{name}.cpp", isa)
            for name, isa in EMULATED.items()
            if isa in self.toolchain.instruction_sets
        ]
        for source in sorted(glob("tests/cpp/*.cpp")):
            name = Path(source).stem
            if "src_c/kernels/" in Path(source).read_text(encoding="utf-8"):
                for isa in self.toolchain.instruction_sets:
                    if isa.endswith(ADDITIONS):
                        continue
                    macros = [(f"RNNFAST_ISA_{isa.upper()}", None)]
                    self.link_program(f"{name}.{isa}", [self.build_object(source, isa, isa, macros)], [])
            else:
                self.link_program(name, [self.build_object(source, "engine"), *emulated], self.names)

    def link_program(self, name, objects, libraries):
        self.compiler.link_executable(
            objects,
            name,
            output_dir=self.build_clib,
            libraries=libraries,
            library_dirs=[self.build_clib],
            extra_postargs=self.toolchain.openmp_link,
            target_lang="c++",
        )


class BuildExtensions(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or JOBS

    def run(self):
        self.run_command("build_clib")  # `build_ext --inplace` by itself would not
        super().run()

    def build_extensions(self):
        import numpy
        import pybind11
        from Cython.Build import cythonize

        core = self.get_finalized_command("build_clib")
        self.compiler.set_libraries([])  # distutils would link the core into every extension
        for extension in self.extensions:
            module = extension.name.rpartition(".")[2]
            extension.depends += [*HEADERS, *BINDING_PARTS, __file__]
            extension.extra_compile_args = core.toolchain.library_flags("engine")
            extension.extra_link_args = core.toolchain.link_flags(module, self.build_temp)
            if module == "_engine":
                extension.include_dirs = ["src_c", pybind11.get_include()]
                extension.define_macros = core.toolchain.macros()
                extension.libraries = core.names
                extension.depends += [core.library_path(name) for name in core.names]
            else:
                extension.include_dirs = ["src_c", numpy.get_include()]
                extension.define_macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
                extension.sources = cythonize([extension], build_dir=self.build_temp)[0].sources
        super().build_extensions()


def is_older(target, sources):
    built = os.path.getmtime(target) if os.path.exists(target) else 0
    return any(os.path.getmtime(source) > built for source in sources)


def core_libraries():
    sources = {name: [f"src_c/isa/{name}.cpp"] for name in INSTRUCTION_SETS}
    sources["engine"] = sorted(glob("src_c/engine/*.cpp") + glob("src_c/program/*.cpp"))
    return [(name, {"sources": paths}) for name, paths in sources.items()]


setup(
    libraries=core_libraries(),
    ext_modules=[
        Extension("rnnfast._engine", ["rnnfast/_engine.cpp"], language="c++"),
        Extension("rnnfast._kernels", ["rnnfast/_kernels.pyx"], language="c++"),
        Extension("rnnfast._blas", ["rnnfast/_blas.pyx"], language="c++"),
    ],
    cmdclass={"build_clib": BuildCore, "build_ext": BuildExtensions, "build_cpp_tests": BuildCppTests},
)
