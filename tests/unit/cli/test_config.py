from pathlib import Path

import pytest

from justfit.cli._config import Settings, read_settings
from justfit.errors import ArgumentError


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_no_file_and_no_table_are_no_settings(tmp_path):
    assert read_settings(tmp_path) == Settings()
    assert read_settings(write(tmp_path, "[tool.other]\nselect = 1\n")) == Settings()


def test_every_key_is_read(tmp_path):
    write(
        tmp_path,
        '[tool.justfit]\nmodule = "nets:build"\ninput = ["2,3", "2"]\nselect = ["JF2"]\nignore = []\n'
        'fail-on = "never"\noutput-format = "sarif"\nper-layer-ignores = {"head.*" = ["JF301", "JF5"]}\n',
    )
    assert read_settings(tmp_path) == Settings(
        path=tmp_path / "pyproject.toml",
        module="nets:build",
        input=("2,3", "2"),
        select=("JF2",),
        fail_on="never",
        output_format="sarif",
        per_layer_ignores={"head.*": ("JF301", "JF5")},
    )


def test_the_nearest_file_with_the_table_counts(tmp_path):
    write(tmp_path, '[tool.justfit]\nmodule = "far:a"\n')
    inner = write(tmp_path / "packages" / "one", "[project]\nname = 'one'\n")
    assert read_settings(inner).module == "far:a"
    write(inner, '[tool.justfit]\nmodule = "near:a"\n')
    assert read_settings(inner / "src").module == "near:a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.justfit", r"pyproject.toml must be readable TOML. Found `.*pyproject.toml`: "),
        ("[tool]\njustfit = 3", r"`tool.justfit` in `.*pyproject.toml` must be a table. Found `3`"),
        ("[tool.justfit]\nmodule = 3", r"`tool.justfit.module` in .* must be text such as"),
        ("[tool.justfit]\ninput = [3]", r"`tool.justfit.input` in .* must be a shape"),
        ("[tool.justfit]\nselect = 'JF2'", r"`tool.justfit.select` in .* must be a list of codes .* Found `'JF2'`"),
        ("[tool.justfit]\nignore = [2]", r"`tool.justfit.ignore` in .* must be a list of codes"),
        ("[tool.justfit]\nfail-on = 'fatal'", r"`tool.justfit.fail-on` .* one of info, warning, error, never."),
        ("[tool.justfit]\noutput-format = ['json']", r"`tool.justfit.output-format` .* one of text, json, sarif"),
        ("[tool.justfit.per-layer-ignores]\nhead = 'JF2'", r"`tool.justfit.per-layer-ignores` .* must be a table of"),
        ("[tool.justfit]\nfail_on = 'error'", r"known keys only. Found `fail_on`. Did you mean `fail-on`\?"),
        ("[tool.justfit]\nzzz = 1", r"Found `zzz`. The keys are module, input, select, ignore, fail-on"),
    ],
)
def test_a_wrong_file_names_itself_and_the_key(tmp_path, text, message):
    with pytest.raises(ArgumentError, match=message):
        read_settings(write(tmp_path, text))


def test_a_file_that_is_no_utf8_is_said(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(ArgumentError, match="must be readable TOML"):
        read_settings(tmp_path)
