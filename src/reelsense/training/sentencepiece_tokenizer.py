"""KoBERT's tokenizer: a bare SentencePiece model, turned into a fast tokenizer that never samples.

`skt/kobert-base-v1` ships `spiece.model` and a tokenizer configuration with n-best sampling switched on, so that
loading it in the usual way gives another answer at every call. Here only the pieces, their scores and the normalizer's
table are taken from the file; segmentation is the best one, always.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelsense.errors import ModelError

# Names of the file in skt/kobert-base-v1 and in the older ports.
FILES = ("spiece.model", "tokenizer_78b3253a26.model", "kobert_news_wiki_ko_cased-1087f8699e.spiece")
# The ids KoBERT was trained with: [UNK] 0, [PAD] 1, [CLS] 2, [SEP] 3, [MASK] 4.
UNKNOWN, PAD, FIRST, LAST, MASK = "[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"
# SentencePiece's numbers for models and kinds of pieces (sentencepiece_model.proto).
_UNIGRAM, _BPE = 1, 2
_CONTROL, _USER_DEFINED = 3, 4


def convert_sentencepiece(path: Path, vocabulary: Path | None = None) -> Any:
    """A `tokenizers.Tokenizer` that segments as the SentencePiece model in `path` does, without sampling.

    `vocabulary` is a `vocab.txt` beside it that gives the pieces other ids (monologg/kobert).
    Raises ModelError for a file that is no SentencePiece model of a usable kind or lacks KoBERT's special pieces.
    """
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors

    proto = _read(path)
    pieces = [(piece.piece, float(piece.score)) for piece in proto.pieces]
    pieces = _without_trailing_commas(pieces)
    if vocabulary is not None and vocabulary.is_file():
        pieces = _in_order_of(vocabulary, pieces, path)
    ids = {piece: at for at, (piece, _) in enumerate(pieces)}
    missing = [name for name in (UNKNOWN, PAD, FIRST, LAST) if name not in ids]
    if missing:
        raise ModelError(f"'{path}' lacks the pieces {', '.join(missing)}: it is not KoBERT's SentencePiece model.")
    tokenizer = Tokenizer(_model(proto, pieces, ids, path))
    steps: list[Any] = [
        normalizers.Replace(Regex("``|''"), '"'),
        # XLNet's preparation takes accents off. Hangul, taken apart by NFKD, has to be put together again.
        normalizers.NFKD(),
        normalizers.StripAccents(),
        normalizers.NFKC(),
    ]
    table = proto.normalizer_spec.precompiled_charsmap
    if table:
        steps.append(normalizers.Precompiled(table))
    controls = [piece.piece for piece in proto.pieces if piece.type == _CONTROL]
    # SentencePiece never reads a control piece from a text; here it would be found in the vocabulary like any other.
    steps += [normalizers.Replace(control, f"{control[0]} {control[1:]}") for control in controls]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.add_special_tokens(controls)
    tokenizer.add_tokens([piece.piece for piece in proto.pieces if piece.type == _USER_DEFINED])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A {LAST}", special_tokens=[(FIRST, ids[FIRST]), (LAST, ids[LAST])]
    )
    return tokenizer


def _read(path: Path) -> Any:
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's DecodeError, by whichever implementation, or OSError
        raise ModelError(f"'{path}' can't be read as a SentencePiece model ({error}). Download it again.") from error
    if not proto.pieces:
        raise ModelError(f"'{path}' is not a SentencePiece model: it holds no pieces. Download it again.")
    return proto


def _model(proto: Any, pieces: list[tuple[str, float]], ids: dict[str, int], path: Path) -> Any:
    from tokenizers import models

    kind = proto.trainer_spec.model_type
    if kind == _UNIGRAM:
        return models.Unigram(pieces, unk_id=ids[UNKNOWN], byte_fallback=False)
    if kind == _BPE:
        scores = dict(pieces)
        halves = [
            (-scores[piece], piece[:cut], piece[cut:])
            for piece in scores
            for cut in range(1, len(piece))
            if piece[:cut] in scores and piece[cut:] in scores
        ]
        merges = [(left, right) for _, left, right in sorted(halves, key=lambda half: half[0])]
        return models.BPE(vocab=ids, merges=merges, unk_token=UNKNOWN, fuse_unk=True)
    raise ModelError(f"'{path}' is a SentencePiece model of type {kind}; only unigram and BPE can be used.")


def _without_trailing_commas(pieces: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """XLNet's tokenizer takes "1," apart into "1" and ",": such pieces get a score that never wins."""
    lowest = min(score for _, score in pieces)
    return [
        (piece, 3 * lowest - 20) if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit() else (piece, score)
        for piece, score in pieces
    ]


def _in_order_of(vocabulary: Path, pieces: list[tuple[str, float]], path: Path) -> list[tuple[str, float]]:
    scores = dict(pieces)
    order = vocabulary.read_text(encoding="utf-8").splitlines()
    if set(order) != set(scores):
        raise ModelError(f"'{vocabulary}' does not list the pieces of '{path}'. Download both from the same place.")
    return [(piece, scores[piece]) for piece in order]
