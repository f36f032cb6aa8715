#!/bin/sh
# junitparser 5.0.3 (PyPI): `junitparser verify` ends with 0 over a report of pytest 9.2.0 that has
# an error in it, where pytest itself ended with 1.
#
# One would expect 1: the command is there to "return a non-zero exit code if one of the testcases
# failed or errored". A test that skips itself and whose fixture then fails to clean up has both
# <skipped> and <error> in pytest's report, and to this command what is skipped cannot have failed.
# The attributes errors="1" of the suite are not asked. A pipeline that runs pytest on many machines,
# collects their reports and lets this command decide is green while machines are left behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null junitparser==5.0.3 pytest==9.2.0
cat >test_guest.py <<'END_OF_PYTHON'
import pytest


@pytest.fixture
def guest():
    yield
    raise RuntimeError("the guest could not be stopped")


def test_it_migrates(guest):
    pytest.skip("only one host here")
END_OF_PYTHON
run() {
    venv/bin/pytest -p no:cacheprovider --junitxml=report.xml "$1" >said 2>&1 && code=0 || code=$?
    echo "pytest: $code, $(grep -o '[0-9].* error' said | tail -n 1)"
    grep -o '<testcase\|<skipped\|<error' report.xml | tr -d '\n'
    venv/bin/junitparser verify report.xml && code=0 || code=$?
    echo " verify: $code"
}
{
    venv/bin/junitparser --version
    venv/bin/pytest --version
    run test_guest.py
    sed 's/pytest.skip(.*/pass/' test_guest.py >test_unskipped.py
    run test_unskipped.py
} >seen 2>&1
cat seen
diff - seen <<'END_SEEN'
junitparser 5.0.3
pytest 9.2.0
pytest: 1, 1 skipped, 1 error
<testcase<skipped<error verify: 0
pytest: 1, 1 passed, 1 error
<testcase<error verify: 1
END_SEEN
echo "as it was seen"
