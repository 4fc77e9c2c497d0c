"""A packaged retriever: its card. See also `test_packaging`."""

from hub.__main__ import main
from tests.hub.retrievers import make_retrieval_run
from tests.hub_server.cards import validate_card


def test_its_card_says_what_it_is(tmp_path):
    make_retrieval_run(tmp_path / "run")
    folder = tmp_path / "out"
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(folder)])
    card = (folder / "README.md").read_text()
    assert validate_card(card, "model") == []
    assert "Says how well a sentence fits Sentinel-1" in card
    assert f'python -m hub find {folder} DATASET "a sill of high intensity"' in card
    assert "| same facts | 0.500 | 0.100 | 12 |" in card
    assert "logit" not in card and "threshold" not in card
