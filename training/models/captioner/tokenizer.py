"""From sentences to tokens: a tokenizer made of the training captions, or a pretrained one's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from dataset_script.errors import ConfigError

PAD, BEGIN, END = "<pad>", "<s>", "</s>"
UNREAD = -100
"""What stands in a target where there is no token; torch's cross-entropy passes it over."""


def make_tokenizer(
    captions: Iterable[str], vocabulary: int, length: int
) -> PreTrainedTokenizerFast:
    """Byte-level byte-pair encoding (GPT-2's), made of these captions alone.

    Every text can be told in it, since each byte is an entry. The same captions give the same
    tokenizer, in whichever order.

    Args:
        captions: The training split's.
        vocabulary: Most entries.
        length: Most tokens of a sentence.

    Returns:
        transformers' own, which `AutoTokenizer` loads again from what it saves.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BEGIN, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(captions), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=length,
        clean_up_tokenization_spaces=False,
    )


def pretrained_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """That of a pretrained language model; what it lacks of marks is its mark of the end.

    Args:
        name: A repository of the Hub or a folder.

    Raises:
        ConfigError: If it marks no end, as models that fill gaps do not.
    """
    tokenizer = AutoTokenizer.from_pretrained(name)
    if tokenizer.eos_token is None:
        raise ConfigError(
            f"caption.decoder: the tokenizer of {name} marks no end of a text; take a language "
            "model that writes, as openai-community/gpt2"
        )
    tokenizer.bos_token = tokenizer.bos_token or tokenizer.eos_token
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return tokenizer


def encode(
    tokenizer: PreTrainedTokenizerBase, captions: Sequence[str], length: int
) -> list[list[int]]:
    """Tokens of each caption, between its two marks.

    Args:
        tokenizer: The tokenizer.
        captions: Sentences.
        length: Most tokens of one.

    Raises:
        ConfigError: If a caption has more.
    """
    if not captions:
        return []
    found = tokenizer(list(captions), add_special_tokens=False, verbose=False)["input_ids"]
    tokens = [[tokenizer.bos_token_id, *each, tokenizer.eos_token_id] for each in found]
    longest = max(map(len, tokens))
    if longest > length:
        raise ConfigError(
            f"caption.length is {length}, but a caption has {longest} tokens: set it to {longest} "
            "or more, or give the tokenizer more words by caption.vocabulary"
        )
    return tokens


def pad(tokens: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """A batch of captions, as long as its longest.

    Args:
        tokens: Of `encode`, B of them.
        pad_id: What fills up the shorter.

    Returns:
        What the decoder reads, int64 `[B, L - 1]`, and what it is to write after each of these,
        int64 `[B, L - 1]`, `UNREAD` where nothing is.
    """
    longest = max(map(len, tokens))
    read = torch.full((len(tokens), longest - 1), pad_id)
    wanted = torch.full((len(tokens), longest - 1), UNREAD)
    for row, each in enumerate(tokens):
        read[row, : len(each) - 1] = torch.tensor(each[:-1])
        wanted[row, : len(each) - 1] = torch.tensor(each[1:])
    return read, wanted
