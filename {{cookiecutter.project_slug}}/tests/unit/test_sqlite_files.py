"""Where the file of a database in production may be: not where files are removed that nobody has used for a while."""

import tempfile
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.unit.given import complaints, make

pytestmark = pytest.mark.usefixtures("no_environment")


def url_of(path: Path | str) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()


def refused(path: Path | str, folder: Path | str) -> bool:
    message = (
        f"Value error, DATABASE_URL names a file in {Path(folder).resolve()}, which may be emptied; "
        "production must keep its data elsewhere"
    )
    return complaints(environment="production", database_url=url_of(path)) == [((), message)]


def taken(path: Path | str) -> bool:
    return make(environment="production", database_url=url_of(path)).environment == "production"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files in which the project is not."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "project")
    # This folder is within them, unless there are none.
    monkeypatch.setattr("app.engines.sqlite.TEMPORARY", ())
    return tmp_path / "temporary"


class TestTemporaryFolders:
    @pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm"])  # noqa: S108 - what is tested
    @pytest.mark.parametrize("name", ["app.db", "a/b/app.db", "a/../app.db"])
    def test_a_file_in_one_is_refused(self, monkeypatch: pytest.MonkeyPatch, folder: str, name: str) -> None:
        monkeypatch.chdir("/")
        monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
        assert refused(f"{folder}/{name}", folder)

    def test_so_is_one_in_the_folder_of_this_system(self, temporary: Path) -> None:
        assert refused(temporary / "app.db", temporary)
        assert refused(f"file:{temporary}/app.db", temporary)

    def test_and_one_by_way_of_a_link(self, temporary: Path) -> None:
        Path("data").symlink_to(temporary, target_is_directory=True)
        assert refused("data/app.db", temporary)

    def test_one_beside_them_is_taken(self, temporary: Path) -> None:
        assert taken(temporary.with_name("temporary-not") / "app.db")
        assert taken("/var/lib/shop/app.db")

    def test_elsewhere_than_in_production_it_is_taken(self, temporary: Path) -> None:
        assert make(environment="development", database_url=url_of(temporary / "app.db")).environment == "development"


class TestProjectInOne:
    @pytest.fixture
    def project(self, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (temporary / "shop").mkdir()
        monkeypatch.chdir(temporary / "shop")
        return temporary / "shop"

    def test_its_own_files_are_taken(self, project: Path) -> None:
        assert all(taken(path) for path in ("app.db", "./data/app.db", project / "app.db"))

    def test_those_beside_it_are_refused(self, project: Path, temporary: Path) -> None:
        assert refused("../app.db", temporary)
        assert refused(temporary / "shop-2" / "app.db", temporary)

    def test_the_folder_itself_is_no_project(
        self, project: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(temporary)
        assert refused("app.db", temporary)
