"""The encoder to fine-tune and its tokenizer: by name on the Hub, from a local folder, or made from nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import structlog

from reelsense.errors import ModelError
from reelsense.models.encoder import SentimentModel
from reelsense.models.scratch_encoder import PAD, ScratchConfig, ScratchEncoder
from reelsense.models.tokens import TOKENIZER_FILE, open_tokenizer, prepared
from reelsense.settings import Settings
from reelsense.training.scratch import VOCABULARY, train_tokenizer
from reelsense.training.sentencepiece_tokenizer import FILES, convert_sentencepiece

log = structlog.get_logger()

SCRATCH = "scratch"
CONFIG_FILE = "tokenizer_config.json"


@dataclass(frozen=True, slots=True)
class Encoder:
    """What is trained: the module, its tokenizer (a `tokenizers.Tokenizer`) and the id that fills batches up."""

    model: SentimentModel
    tokenizer: Any
    pad_id: int


def load_encoder(settings: Settings, texts: Sequence[str], tokenizer_folder: Path) -> Encoder:
    """The encoder `model.name` asks for, with `model.dropout`; its tokenizer is written to `tokenizer_folder`.

    `texts` are the training texts, from which `scratch` learns its tokenizer (unless the folder holds one already).
    Raises ModelError when the name can't be reached or is not an encoder, or `dataset.max_length` is too long for it.
    """
    name, longest = settings.model.name, settings.dataset.max_length
    if name == SCRATCH:
        return _from_scratch(settings, texts, tokenizer_folder)
    source = _source(name)
    try:
        folder = source / "torch" if _is_own(source) else source
        model = SentimentModel.load(folder, settings.model.dropout, own=_is_own(source))
        tokenizer, pad = _tokenizer(source)
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(_unreachable(name, error)) from error
    if longest > model.longest:
        raise ModelError(
            f"dataset.max_length is {longest}, but {name} reads at most {model.longest} tokens; "
            f"set dataset.max_length={model.longest} or less."
        )
    _save_tokenizer(tokenizer, pad, tokenizer_folder)
    tokenizer = open_tokenizer(tokenizer_folder, longest)
    pad_id = tokenizer.token_to_id(pad)
    if pad_id is None or tokenizer.get_vocab_size() > _vocabulary(model):
        raise ModelError(f"The tokenizer of '{name}' does not belong to its encoder: ids beyond its embeddings.")
    return Encoder(model, tokenizer, pad_id)


def freeze(model: SentimentModel, unfrozen_layers: int | None) -> int:
    """Let only the top `unfrozen_layers` layers and the head learn; None lets all. Returns the parameters that learn.

    Embeddings are frozen too. Raises ModelError when the encoder has fewer layers.
    """
    if unfrozen_layers is not None:
        layers = list(model.layers)
        if unfrozen_layers > len(layers):
            raise ModelError(f"model.unfrozen_layers is {unfrozen_layers}, but the encoder has {len(layers)} layers.")
        for name, parameter in model.named_parameters():
            parameter.requires_grad = "embeddings" not in name
        for layer in layers[: len(layers) - unfrozen_layers]:
            layer.requires_grad_(False)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _from_scratch(settings: Settings, texts: Sequence[str], tokenizer_folder: Path) -> Encoder:
    longest = settings.dataset.max_length
    if (tokenizer_folder / TOKENIZER_FILE).is_file():
        tokenizer = open_tokenizer(tokenizer_folder, longest)
    else:
        learned = train_tokenizer(texts, VOCABULARY)
        _save_tokenizer(learned, PAD, tokenizer_folder)
        tokenizer = prepared(learned, longest)
        log.info("tokenizer_trained", texts=len(texts), vocabulary=tokenizer.get_vocab_size())
    # Hiding whole tokens keeps so small a model from learning its few texts by heart.
    dropout = settings.model.dropout
    config = ScratchConfig(
        vocabulary=tokenizer.get_vocab_size(),
        hidden=settings.model.hidden,
        layers=settings.model.layers,
        max_length=longest,
        dropout=dropout,
        token_dropout=dropout / 2,
    )
    return Encoder(SentimentModel(ScratchEncoder(config)), tokenizer, tokenizer.token_to_id(PAD))


def _source(name: str) -> Path | str:
    """A local folder where there is one, otherwise the name."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else name


def _is_own(source: Path | str) -> TypeGuard[Path]:
    """Whether it is a model folder of reelsense, to be trained further."""
    return isinstance(source, Path) and (source / "torch" / "config.json").is_file()


def _tokenizer(source: Path | str) -> tuple[Any, str]:
    """The tokenizer and the name of its padding token."""
    if _is_own(source):
        folder = source / "tokenizer"
        pad = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["pad_token"]
        return open_tokenizer(folder, 512), pad
    pieces = _sentencepiece_files(source)
    if pieces is not None:
        return convert_sentencepiece(*pieces), "[PAD]"
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    if not getattr(loaded, "is_fast", False):
        raise ModelError(f"The tokenizer of '{source}' ({type(loaded).__name__}) has no fast form and can't be used.")
    if loaded.pad_token is None:
        raise ModelError(f"The tokenizer of '{source}' has no padding token, so it is not an encoder's.")
    return loaded.backend_tokenizer, str(loaded.pad_token)


def _sentencepiece_files(source: Path | str) -> tuple[Path, Path | None] | None:
    """KoBERT's SentencePiece file and, where it is, vocab.txt; None for every other tokenizer."""
    if isinstance(source, Path):
        if (source / TOKENIZER_FILE).is_file():
            return None
        found = next((source / file for file in FILES if (source / file).is_file()), None)
        return (found, source / "vocab.txt") if found else None
    if "kobert" not in source.lower():
        return None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    # A file that is absent from the repository is another case than a repository that can't be reached.
    for file in FILES:
        try:
            found = Path(hf_hub_download(source, file))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            continue
        try:
            return found, Path(hf_hub_download(source, "vocab.txt"))
        except EntryNotFoundError:
            return found, None
    return None


def _save_tokenizer(tokenizer: Any, pad: str, folder: Path) -> None:
    """tokenizer.json, and a configuration with which `transformers` reads it too."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": pad}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2), encoding="utf-8")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    half = folder / (TOKENIZER_FILE + ".part")
    tokenizer.save(str(half))
    half.replace(folder / TOKENIZER_FILE)


def _vocabulary(model: SentimentModel) -> int:
    config = model.core.config
    return int(getattr(config, "vocabulary", 0) or config.vocab_size)


def _unreachable(name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"The encoder '{name}' can't be loaded: {reason} It is neither a folder here, nor in the Hugging Face cache, "
        "nor could it be fetched. With internet it is downloaded by itself; without, copy its folder (config.json, "
        "model.safetensors or pytorch_model.bin, tokenizer.json or vocab.txt or spiece.model) here and set model.name "
        "to that path, or use model.name=scratch."
    )
