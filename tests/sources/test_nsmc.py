"""The NSMC corpus: read strictly, fetched with its checksums."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import structlog
from local_server import local_server

from reelsense.errors import InputError, SourceError
from reelsense.sources.nsmc import CHECKSUMS, ensure_corpus, read_corpus, read_rated

TRAIN = ("id\tdocument\tlabel\n" + "".join(f"{n}\t리뷰 {n}\t{n % 2}\n" for n in range(5000))).encode()
TEST = "id\tdocument\tlabel\n1\t좋다\t1\n".encode()
FILES = {"ratings_train.txt": TRAIN, "ratings_test.txt": TEST}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@dataclass
class Mirror:
    """A server of the corpus; `cut` lets that many bytes through before it hangs up."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    cut: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    state = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            wanted = self.headers.get("Range")
            state.asked.append((name, wanted))
            if name not in state.files:
                self.send_error(404)
                return
            whole = state.files[name]
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.ranges else 0
            if start >= len(whole):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(whole) - start))
            self.end_headers()
            self.wfile.write(whole[start:] if state.cut is None else whole[start : start + state.cut])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with local_server(Handler) as state.url:
        yield state


def brought(folder: Path) -> dict[str, bytes]:
    """What lies in the folder, without the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".fetch.lock"}


def test_missing_files_are_fetched_and_checked(tmp_path: Path, mirror: Mirror) -> None:
    folder = ensure_corpus(tmp_path / "new" / "nsmc", mirror.url, SUMS)
    assert brought(folder) == FILES


def test_a_folder_that_holds_the_corpus_is_used_as_it_is(tmp_path: Path, mirror: Mirror) -> None:
    for name in FILES:
        (tmp_path / name).write_text("my own split")
    assert ensure_corpus(tmp_path, mirror.url, SUMS) == tmp_path
    assert mirror.asked == []
    assert (tmp_path / "ratings_test.txt").read_text() == "my own split"


def test_two_at_once_fetch_each_file_once(tmp_path: Path, mirror: Mirror) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: ensure_corpus(tmp_path, mirror.url, SUMS), range(2)))
    assert mirror.asked == [("ratings_train.txt", None), ("ratings_test.txt", None)]
    assert brought(tmp_path) == FILES


@pytest.mark.parametrize("taken", ["nsmc", "nsmc/ratings_train.txt.part"])
def test_a_folder_that_can_not_be_written_to_is_an_error_that_names_it(
    tmp_path: Path, mirror: Mirror, taken: str
) -> None:
    if taken == "nsmc":
        (tmp_path / taken).write_text("a file")
    else:
        (tmp_path / taken).mkdir(parents=True)
    with pytest.raises(InputError, match=r"can't be kept in '.*nsmc'.*dataset\.folder"):
        ensure_corpus(tmp_path / "nsmc", mirror.url, SUMS)


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, mirror: Mirror) -> None:
    mirror.files["ratings_train.txt"] = TRAIN.replace(b"\t1\n", b"\t0\n", 1)
    with pytest.raises(SourceError, match="another checksum"):
        ensure_corpus(tmp_path, mirror.url, SUMS)
    assert brought(tmp_path) == {}
    mirror.files["ratings_train.txt"] = TRAIN
    ensure_corpus(tmp_path, mirror.url, SUMS)
    assert (tmp_path / "ratings_train.txt").read_bytes() == TRAIN


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_is_no_corpus_and_is_finished_later(
    tmp_path: Path, mirror: Mirror, ranges: bool
) -> None:
    mirror.cut, mirror.ranges = 70_000, ranges
    with pytest.raises(SourceError, match="can't be downloaded"):
        ensure_corpus(tmp_path, mirror.url, SUMS)
    assert not (tmp_path / "ratings_train.txt").exists()
    mirror.cut = None
    ensure_corpus(tmp_path, mirror.url, SUMS)
    assert brought(tmp_path) == FILES
    resumed = [wanted for name, wanted in mirror.asked if name == "ratings_train.txt"]
    assert resumed[0] is None
    assert resumed[1] is not None
    assert 0 < int(resumed[1].removeprefix("bytes=").removesuffix("-")) <= 70_000


@pytest.mark.parametrize("left", [TRAIN, TRAIN + b"more", b"other" * 30_000])
def test_what_an_earlier_try_left_behind_never_passes_for_the_corpus(
    tmp_path: Path, mirror: Mirror, left: bytes
) -> None:
    (tmp_path / "ratings_train.txt.part").write_bytes(left)
    try:
        ensure_corpus(tmp_path, mirror.url, SUMS)
    except SourceError:
        assert not (tmp_path / "ratings_train.txt").exists()
        ensure_corpus(tmp_path, mirror.url, SUMS)
    assert (tmp_path / "ratings_train.txt").read_bytes() == TRAIN


def test_a_file_of_another_size_is_not_swallowed(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelsense.sources.nsmc._MOST_BYTES", 50_000)
    with pytest.raises(SourceError, match="larger than 50,000"):
        ensure_corpus(tmp_path, mirror.url, SUMS)
    assert brought(tmp_path) == {}


@pytest.mark.parametrize("state", ["missing", "down"])
def test_a_server_that_has_it_not_is_an_error_that_says_what_to_do(tmp_path: Path, mirror: Mirror, state: str) -> None:
    mirror.files.clear()
    url = mirror.url if state == "missing" else "http://127.0.0.1:9"
    with pytest.raises(SourceError, match=r"put ratings_train\.txt and ratings_test\.txt into"):
        ensure_corpus(tmp_path, url, SUMS)


def test_the_published_checksums_are_whole() -> None:
    assert set(CHECKSUMS) == {"ratings_train.txt", "ratings_test.txt"}
    assert all(len(bytes.fromhex(value)) == 32 for value in CHECKSUMS.values())


def test_broken_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "ratings.txt"
    rows = ["id\tdocument\tlabel", '1\t"좋다\t1', "2\t없음", "3\t나쁘다\t0", "4\t탭\t둘\t1", "5\t라벨\t2", "6\t\t0", ""]
    path.write_text("\n".join(rows), encoding="utf-8")
    with structlog.testing.capture_logs() as logs:
        assert list(read_corpus(path)) == [("1", '"좋다', 1), ("3", "나쁘다", 0), ("6", "", 0)]
    assert logs == [{"event": "corpus_rows_broken", "file": "ratings.txt", "rows": 3, "log_level": "warning"}]


def test_another_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ratings.txt"
    path.write_text("id\ttext\tlabel\n1\t좋다\t1\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected the columns id, document, label"):
        list(read_corpus(path))


def test_a_missing_or_cut_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(read_corpus(tmp_path / "none.txt"))
    cut = tmp_path / "cut.tsv.gz"
    cut.write_bytes(gzip.compress(b"id\tmovie_id\tdate\trating\tdocument\n" + bytes(range(256)) * 5000)[:400])
    with pytest.raises(InputError, match="middle of its gzip"):
        list(read_rated(cut))


def test_rated_rows_are_read_from_gzip(tmp_path: Path) -> None:
    path = tmp_path / "more.tsv.gz"
    rows = [
        "id\tmovie_id\tdate\trating\tdocument",
        "1\t99\t2015-06-01\t10\t최고",
        "2\t99\t\t1\t최악",
        "3\t99\t2015-06-01\tx\t글",
        "4\t99\t2015-06-31\t5\t글",
        "5\t99\t2015-06-30\t11\t글",
    ]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    found = list(read_rated(path))
    assert [(row.id, row.movie_id, row.written_on, row.rating, row.text) for row in found] == [
        ("1", "99", date(2015, 6, 1), 10.0, "최고"),
        ("2", "99", None, 1.0, "최악"),
    ]


def test_the_local_corpus_is_read_to_its_last_row(corpus: Path) -> None:
    rows = list(read_corpus(corpus / "ratings_test.txt"))
    assert len(rows) == 50_000
    assert {label for _, _, label in rows} == {0, 1}
