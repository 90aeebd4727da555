"""``manage.py check``: what an operator sees of this app's checks."""

from tests.django.commands.processes import manage


def test_the_reference_distribution_in_the_same_environment_is_told(tmp_path):
    info = tmp_path / "eventsourcing-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: eventsourcing\nVersion: 9.9\n")

    code, output = manage("check", eventsourcing={}, env={"PYTHONPATH": str(tmp_path)})

    assert code == 1
    assert "?: (django_eventsourcing.E010) The distribution eventsourcing 9.9 is" in output
    assert "HINT: Run 'pip uninstall eventsourcing', then 'pip install" in output


def test_a_typo_in_the_settings_is_told_with_the_remedy():
    code, output = manage(
        "check", eventsourcing={"default": {"SYTEM": "tests.django.schools.system"}}
    )

    assert code == 1
    assert (
        "?: (django_eventsourcing.E001) EVENTSOURCING['default'] has the unknown key 'SYTEM'.\n"
        "\tHINT: Did you mean 'SYSTEM'?"
    ) in output


def test_good_settings_pass():
    code, output = manage(
        "check", eventsourcing={"default": {"SYSTEM": "tests.django.schools.system"}}
    )

    # Django 6 looks at all databases: MariaDB lacks what a model of the tests asks for.
    assert (code, "eventsourcing" in output) == (0, False)
