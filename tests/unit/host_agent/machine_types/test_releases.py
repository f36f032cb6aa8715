"""Between which releases guests may move, on which day."""

from datetime import date, timedelta

import pytest

from host_agent.machine_types import names as type_names
from host_agent.machine_types import release_dates
from host_agent.machine_types.releases import (
    Release,
    Supported,
    current,
    find,
    from_lts,
    matrix,
    of,
    path,
    type_end,
)
from host_agent.machine_types.vendors import Vendor
from host_agent.missing import Missing

# The support matrix of Ubuntu's policy: LTS, three interims, LTS, three interims, LTS.
POLICY = """
Y Y . . Y . . . Y
. Y Y . . . . . .
. . Y Y . . . . .
. . . Y Y . . . .
. . . . Y Y . . Y
. . . . . Y Y . .
. . . . . . Y Y .
. . . . . . . Y Y
. . . . . . . . Y
"""


def test_debians_words_mean_debians_releases() -> None:
    """Not those of others that were out, nor its own that were not begun."""
    day = date(2024, 6, 1)
    found = {word: find(f"debian:{word}", known(), day) for word in ("stable", "oldstable")}
    assert {word: one.codename for word, one in found.items() if one} == {
        "stable": "bookworm",
        "oldstable": "bullseye",
    }
    testing = find("debian:testing", known(), day)
    assert testing is not None
    assert testing.codename == "trixie"


def known() -> tuple[Release, ...]:
    found = release_dates.known()
    assert not isinstance(found, Missing), found.sentence
    return found


def release(name: str) -> Release:
    found = find(name, known())
    assert found
    return found


@pytest.mark.parametrize("first", ["precise", "trusty", "xenial", "bionic", "focal", "jammy"])
def test_the_matrix_is_the_policys(first: str) -> None:
    chosen = from_lts(release(first), known())
    assert [one.lts for one in chosen] == [True, *[False] * 3, True, *[False] * 3, True]
    found = matrix(chosen, known(), date(2026, 11, 25))
    drawn = "\n".join(" ".join("Y" if one.allowed else "." for one in row) for row in found.rows)
    assert drawn == POLICY.strip()


@pytest.mark.parametrize("first", ["trusty", "xenial", "bionic", "focal"])
def test_each_path_of_the_policy_has_its_days(first: str) -> None:
    """On the last day on which both ends are supported it is a yes, on the next a no."""
    chosen = from_lts(release(first), known())
    for origin in chosen:
        for target in chosen:
            ends = [origin.support_end, target.support_end]
            last = min(one for one in ends if one is not None)
            allowed = matrix([origin, target], known(), last).rows[0][1].allowed
            wanted = Supported.YES if allowed else Supported.NO
            names = origin.codename, target.codename
            assert path(*names, known(), on=last, live=True).supported is wanted, names
            after = path(*names, known(), on=last + timedelta(days=1), live=True)
            assert after.supported is Supported.NO, names


ROWS = [
    # name, day, from, to, supported, what is said, way round
    ("itself", "2026-11-25", "noble", "noble", "yes", "a release to itself", ""),
    ("next LTS", "2026-11-25", "jammy", "noble", "yes", "an LTS to the next LTS", ""),
    ("second LTS", "2026-11-25", "ubuntu:22.04", "26.04", "yes", "the second LTS after it", ""),
    ("origin's end", "2025-05-30", "focal", "jammy", "no",
     "focal's support ended on 2025-05-29 (ESM until 2030-04-23)", ""),
    ("the day before", "2025-05-29", "focal", "jammy", "yes", "both are supported", ""),
    ("third LTS", "2022-09-01", "xenial", "jammy", "no", "xenial goes to yakkety, bionic, focal",
     "xenial bionic jammy: xenial's support ended on 2021-04-30 (ESM until 2026-04-23)"),
    ("not out yet", "2024-04-24", "jammy", "noble", "no", "noble is not released before 2024-04-25",
     ""),
    ("out", "2024-04-25", "jammy", "noble", "yes", "both are supported on 2024-04-25", ""),
    ("interim", "2025-06-01", "oracular", "plucky", "yes", "the one that follows it", ""),
    ("last interim", "2026-05-01", "questing", "resolute", "yes", "the one that follows it", ""),
    ("over an interim", "2025-06-01", "noble", "plucky", "no", "noble goes to oracular, resolute",
     "noble oracular plucky"),
    ("interim to an LTS too far", "2025-12-01", "plucky", "resolute", "no", "plucky goes to",
     "plucky questing resolute: resolute is not released before 2026-04-23"),
    ("backward", "2026-11-25", "noble", "jammy", "no", "backward", ""),
    ("Debian's next", "2026-11-25", "bookworm", "trixie", "yes", "the one that follows it", ""),
    ("Debian's words", "2026-11-25", "debian:oldstable", "debian:stable", "yes", "follows it", ""),
    ("to testing", "2026-11-25", "trixie", "testing", "yes", "the one that follows it", ""),
    ("over one of Debian's", "2026-08-01", "bullseye", "trixie", "no", "bullseye goes to bookworm",
     "bullseye bookworm trixie"),
    ("Debian's LTS is over", "2026-11-25", "bullseye", "trixie", "no", "bullseye goes to bookworm",
     "bullseye bookworm trixie: bullseye's support ended on 2026-08-31 (ELTS until 2031-06-30)"),
    ("another distribution", "2026-11-25", "trixie", "noble", "no", "between distributions", ""),
    ("another policy", "2026-11-25", "rhel:9.4", "rhel:10.0", "not known",
     "no support policy for guests between releases of rhel is known", ""),
    ("no such release", "2026-11-25", "noble", "nonesuch", "not known",
     "no release nonesuch is known", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "origin", "target", "supported", "why", "way"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
@pytest.mark.parametrize("live", [True, False])
def test_paths(
    day: str, origin: str, target: str, supported: str, why: str, way: str, live: bool
) -> None:
    found = path(origin, target, known(), on=date.fromisoformat(day), live=live)
    assert found.supported == supported
    assert why in found.why
    told = " ".join(one.codename for one in found.through)
    assert f"{told}: {found.note}" == way if found.note else told == way


@pytest.mark.parametrize(
    ("origin", "target", "live", "remedy"),
    [
        ("focal", "noble", True, None),
        ("focal", "noble", False, "give it a machine type that noble offers"),
        ("trixie", "noble", False, "give it a machine type that noble offers"),
        ("noble", "jammy", False, "at your own risk"),
        ("noble", "oracular", False, None),
        ("jammy", "noble", False, None),
    ],
)
def test_a_stopped_guest_has_a_way(
    origin: str, target: str, live: bool, remedy: str | None
) -> None:
    found = path(origin, target, known(), on=date(2026, 11, 25), live=live)
    assert (remedy is None) is (found.remedy is None)
    assert (remedy or "") in (found.remedy or "")


def test_todays_releases_are_those_of_the_data() -> None:
    """Whatever the day is: each step from one release to the next is one of the policy's."""
    names = [one.codename for one in current(known(), "ubuntu", date(2026, 11, 25))]
    # Newer data know of newer ones.
    assert (names[0], "resolute" in names, "focal" in names) == ("jammy", True, False)
    for distribution in ("ubuntu", "debian"):
        series = current(known(), distribution, date.today())
        found = matrix(series, known(), date.today())
        assert all(found.rows[number][number].allowed for number in range(len(series)))


@pytest.mark.parametrize(
    ("name", "last", "why"),
    [
        ("noble", date(2029, 5, 31), "with noble's support"),
        ("plucky", date(2026, 4, 23), "with the LTS resolute"),
        ("kinetic", date(2024, 4, 25), "with the LTS noble"),
    ],
)
def test_when_types_of_a_release_end(name: str, last: date, why: str) -> None:
    found = type_end(release(name), known())
    assert found.why == why
    # Support may be prolonged, never shortened.
    assert found.last
    assert found.last >= last


def test_an_interim_without_a_later_lts_has_no_date() -> None:
    series = of(known(), "ubuntu")
    cut = [one for one in series if one.created < date(2025, 10, 1)]
    assert cut[-1].codename == "questing"
    assert type_end(cut[-1], cut).last is None


def test_the_catalogue_and_the_data_name_the_same_releases() -> None:
    from host_agent.machine_types import catalogue

    for codename, version in catalogue.codenames().items():
        assert release(f"ubuntu:{version}").codename == codename
        assert type_names.parse(f"pc-i440fx-{codename}").vendor is Vendor.UBUNTU


def test_a_bare_number_is_no_release() -> None:
    assert find("12", known()) is None
    assert find("debian:12", known()) == find("bookworm", known())
    assert find("debian:noble", known()) is None


def test_without_data_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import distro_info

    def absent() -> None:
        raise FileNotFoundError("no /usr/share/distro-info/ubuntu.csv")

    monkeypatch.setattr(distro_info, "UbuntuDistroInfo", absent)
    found = release_dates.known.__wrapped__()
    assert isinstance(found, Missing)
    assert found.remedy == "apt install distro-info-data"
