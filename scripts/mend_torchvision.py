"""Make torchvision importable in this environment, if its build does not match torch's.

`make venv` runs it after the installation. A CPU-only torch beside PyPI's torchvision fails at
`import torchvision`, and with it every tool that imports timm, the `accelerate` command among them
(see training/torchvision_schemas.py). Our own entry points mend that by themselves; for other
programs of the environment this adds a start-up hook that does the same at the first import of
torchvision. Where torchvision imports, nothing is touched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parents[1] / "training" / "torchvision_schemas.py"
SITE = Path(sysconfig.get_paths()["purelib"])

# Runs at every start of the interpreter, so it must not import torch before it is needed.
HOOK = '''\
"""Declares torchvision's schemas when it is imported; written by scripts/mend_torchvision.py."""
import sys
from importlib.machinery import PathFinder


class _Declare:
    def find_spec(self, name, path=None, target=None):
        if name != "torchvision":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                import torchvision_schemas

                run(module)

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Declare())
'''


def imports() -> bool:
    """Whether `import torchvision` works in a fresh process of this environment."""
    done = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True)
    return done.returncode == 0


def main() -> None:
    """Write the hook where it is needed, and check that it helps.

    Raises:
        SystemExit: If torchvision cannot be imported even so.
    """
    if imports():
        return
    shutil.copy(SCHEMAS, SITE / "torchvision_schemas.py")
    (SITE / "_torchvision_hook.py").write_text(HOOK)
    (SITE / "torchvision_hook.pth").write_text("import _torchvision_hook\n")
    if not imports():
        sys.exit("error: torchvision cannot be imported; reinstall torch and torchvision as a pair")
    print("torchvision was built for another torch: its schemas are declared at import")


if __name__ == "__main__":
    main()
