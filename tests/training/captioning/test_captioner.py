"""The tokenizer, and captioners of every kind of encoder."""

import random

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from dataset_script.errors import ConfigError
from tests.places import ROOT
from tests.training import processes
from training.config.models import CaptionConfig, ModelConfig
from training.fit.losses import token_loss
from training.models.captioner.model import build_captioner, choose_tokenizer
from training.models.captioner.tokenizer import BEGIN, END, encode, make_tokenizer, pad

CAPTIONS = [
    "No deformation is visible.",
    "A mogi-type deformation pattern of low intensity is visible on the top-left side.",
    "Turbulent mixing of the atmosphere is visible across the region; Orbital fringes, too.",
]
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
VIT = SMALL | {"intermediate_size": 16, "patch_size": 16}
SWIN = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
CAPTION = CaptionConfig(layers=1, heads=2, width=8, vocabulary=300, length=60)


def build(library, name, options=None, caption=CAPTION, planes=4, size=32, **given):
    torch.manual_seed(0)
    tokenizer = choose_tokenizer(caption, CAPTIONS)
    config = ModelConfig(library, name, options=options or {}, **given)
    return build_captioner(config, caption, tokenizer, planes=planes, image_size=size).eval()


def written(captions):
    return make_tokenizer(captions, 300, 60).backend_tokenizer.to_str()


def test_the_same_captions_make_the_same_tokenizer():
    captions = [*CAPTIONS, *CAPTIONS[1:]]
    shuffled = random.Random(0).sample(captions, len(captions))
    assert processes.run(written, shuffled) == [written(captions)]


def test_every_text_comes_back_from_its_tokens(tmp_path):
    tokenizer = make_tokenizer(CAPTIONS, 300, 60)
    tokenizer.save_pretrained(tmp_path)
    for text in (*CAPTIONS, "Ett åskväder över Grímsvötn, 50 % , done ."):
        (tokens,) = encode(tokenizer, [text], 60)
        assert tokens[0] == tokenizer.convert_tokens_to_ids(BEGIN)
        assert tokens[-1] == tokenizer.convert_tokens_to_ids(END)
        for reader in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
            assert reader.batch_decode([tokens], skip_special_tokens=True) == [text]


def test_a_caption_that_is_too_long_is_told():
    tokenizer = make_tokenizer(CAPTIONS, 300, 60)
    longest = max(map(len, encode(tokenizer, CAPTIONS, 200)))
    with pytest.raises(ConfigError, match=f"a caption has {longest} tokens: set it to {longest}"):
        encode(tokenizer, CAPTIONS, longest - 1)


@pytest.mark.parametrize(
    ("library", "name", "options"),
    [
        ("timm", "test_resnet", SMALL | {"stage": 3}),
        ("transformers", "vit", VIT),
        ("transformers", "swin", SWIN),
    ],
)
def test_a_loss_is_of_a_captions_own_tokens(library, name, options):
    model = build(library, name, options)
    tokens = encode(model.tokenizer, CAPTIONS, 60)
    images = torch.randn(3, 1, 4, 32, 32)
    read, wanted = pad(tokens, model.tokenizer.pad_token_id)
    with torch.no_grad():
        together = token_loss(model(images, read), wanted)
        for row, each in enumerate(tokens):
            alone = pad([each], model.tokenizer.pad_token_id)
            one = token_loss(model(images[row : row + 1], alone[0]), alone[1])
            torch.testing.assert_close(one[0], together[row], rtol=1e-4, atol=1e-5)
        # The model's own loss, which shifts the tokens by itself, is the mean over tokens.
        labels = torch.tensor([tokens[0][1:]])
        own = model.backbone(pixel_values=images[:1].flatten(1, 2), labels=labels).loss
    torch.testing.assert_close(own, together[0], rtol=1e-4, atol=1e-5)
    learnt = [p for p in model.parameters() if p.requires_grad]
    token_loss(model(images, read), wanted).sum().backward()
    assert all(parameter.grad is not None for parameter in learnt)


def test_the_encoder_of_the_model_in_the_box_starts_one():
    options = SMALL | {"stage": 3}
    given = {"init_from": "deformation-segmenter"}
    model = build("timm", "resnet10t", options, **given)
    box = load_file(ROOT / "hub/pretrained/deformation-segmenter/model.safetensors")
    own = model.backbone.encoder.embeddings.backbone._backbone.state_dict()
    for name, weight in own.items():
        assert torch.equal(weight, box[f"encoder.model.{name}"].to(weight.dtype)), name
    frozen = build("timm", "resnet10t", options, freeze_encoder=True, **given)
    learnt = {name for name, weight in frozen.named_parameters() if weight.requires_grad}
    assert not any("._backbone." in name for name in learnt)
    assert any("encoder.embeddings.projection" in name for name in learnt)


def test_a_pretrained_decoder_keeps_its_weights_and_its_tokenizer(tmp_path):
    tokenizer = make_tokenizer(CAPTIONS, 290, 60)
    config = GPT2Config(n_embd=8, n_layer=1, n_head=1, vocab_size=len(tokenizer), n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    caption = CaptionConfig(decoder=str(tmp_path), length=60)
    model = build("transformers", "vit", VIT, caption)
    theirs = load_file(tmp_path / "model.safetensors")["transformer.h.0.mlp.c_fc.weight"]
    assert torch.equal(model.backbone.decoder.transformer.h[0].mlp.c_fc.weight, theirs)
    assert len(model.tokenizer) == len(tokenizer)
    assert len(model.write(torch.randn(2, 1, 4, 32, 32))) == 2
    with pytest.raises(ConfigError, match="reads 64 tokens at most"):
        build("transformers", "vit", VIT, CaptionConfig(decoder=str(tmp_path), length=65))


@pytest.mark.parametrize(
    ("library", "name", "options", "expected"),
    [
        ("transformers", "resnet", {}, "answers with a map.*take vit, deit or swin"),
        ("transformers", "vit_mae", {}, "vit_mae hides most of an image; take vit"),
        ("timm", "vit_tiny_patch16_224", {}, "of one input size.*convolutional encoder of timm"),
        ("timm", "resnet10", {}, "timm has no 'resnet10'; did you mean resnet101 or"),
        ("timm", "test_resnet", {"depth": 3}, "options.depth is unknown to a captioner on timm"),
        ("timm", "test_resnet", {"stage": 1}, "stage is 1; it must be a whole number from 2"),
        ("timm", "test_resnet", {"stage": 4, "size": 1}, "options.size is unknown"),
    ],
)
def test_encoders_that_will_not_do_are_refused(library, name, options, expected):
    with pytest.raises(ConfigError, match=expected):
        build(library, name, options)
