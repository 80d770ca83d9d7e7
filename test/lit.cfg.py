# Tests of the tools on MLIR text: every .mlir file below the folders named here.
import os

import lit.formats

config.name = "mlc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.mlc_exec_root
folders = {"Dialect", "Transforms", "Conversion", "Pipelines", "Tools"}
config.excludes = {"Inputs"} | {
    entry.name for entry in os.scandir(config.test_source_root)
    if entry.is_dir() and entry.name not in folders
}

config.environment["PATH"] = os.pathsep.join(
    [config.mlc_tools_dir, config.llvm_tools_dir, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --allow-unused-prefixes=false"
if config.mlc_sanitize:
    # LLVM's headers poison pools that its uninstrumented libraries hand out.
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0:detect_leaks=0"
if config.mlc_sanitize == "thread":
    # How libMLIR's workers synchronise is not instrumented and looks like races.
    config.substitutions.append((r"\bmlc-opt (?!.*--mlir-disable-threading)", "mlc-opt --mlir-disable-threading "))
config.substitutions.append(("%mlc_plugin", config.mlc_plugin))
