"""KoBERT's SentencePiece tokenizer is read from its bare file and segments as SentencePiece does, without sampling."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from labelled_texts import review_texts

spm = pytest.importorskip("sentencepiece")
pytest.importorskip("tokenizers")

from reelsense.errors import ModelError  # noqa: E402
from reelsense.settings import load_settings  # noqa: E402
from reelsense.training.encoder import load_encoder  # noqa: E402
from reelsense.training.sentencepiece_tokenizer import convert_sentencepiece  # noqa: E402

SENTENCES = [text for text, _ in review_texts()] + [
    f"{number},{number * 7 % 10}00 명이 본 영화, 평점은 {number % 10}.5점" for number in range(1, 200)
]
UNSEEN = [
    "한국어 모델을 공유합니다.",
    "최고의   연기,  또 보고 싶다 ㅋㅋㅋㅋㅋ ㅠㅠ",
    "ＦＵＬＬ　ｗｉｄｔｈ ① ㈜ ½ café naïve",
    "이모지 😀😀 와 ❤️ 그리고 뷁쉟",
    "지루해요 <s> ``인용''",
    "1,300명 3,",
    "",
    unicodedata.normalize("NFD", "분해된 한글도 같다"),
]


def sentencepiece_model(folder: Path, kind: str = "unigram") -> Path:
    """A model with KoBERT's special pieces at KoBERT's ids, trained here."""
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_prefix=str(folder / "spiece"),
        vocab_size=260,
        hard_vocab_limit=False,
        model_type=kind,
        unk_id=0, pad_id=1, bos_id=-1, eos_id=-1,
        unk_piece="[UNK]", pad_piece="[PAD]", control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=2,
    )  # fmt: skip
    return folder / "spiece.model"


def expected_ids(model: Path, text: str) -> list[int]:
    """What KoBERT's own (XLNet) preparation and SentencePiece's best segmentation give."""
    text = unicodedata.normalize("NFKD", " ".join(text.split()).replace("``", '"').replace("''", '"'))
    text = "".join(character for character in text if not unicodedata.combining(character))
    processor = spm.SentencePieceProcessor(model_file=str(model))
    return [2, *processor.encode(text), 3]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_it_gives_the_ids_that_sentencepiece_gives(kind: str, tmp_path: Path) -> None:
    model = sentencepiece_model(tmp_path, kind)
    tokenizer = convert_sentencepiece(model)
    tokenizer.encode_special_tokens = True
    processor = spm.SentencePieceProcessor(model_file=str(model))
    ties = 0
    for text in [*SENTENCES, *UNSEEN]:
        ids, expected = tokenizer.encode(text).ids, expected_ids(model, text)
        if ids != expected:  # ㅋㅋ ㅋ or ㅋ ㅋㅋ: two best segmentations of one score, chosen by rounding
            ties += 1
            assert sorted(ids) == sorted(expected), text
            assert processor.decode(ids) == processor.decode(expected)
    assert ties < 0.1 * len(SENTENCES)


def test_a_text_has_the_same_ids_at_every_call(tmp_path: Path) -> None:
    tokenizer = convert_sentencepiece(sentencepiece_model(tmp_path))
    sampled = spm.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    text = SENTENCES[0] + " " + SENTENCES[7]
    # The fault this guards against: the same file, loaded with the sampling that KoBERT's configuration switches on.
    assert len({tuple(sampled.encode(text, enable_sampling=True, alpha=0.1, nbest_size=-1)) for _ in range(50)}) > 1
    assert len({tuple(tokenizer.encode(text).ids) for _ in range(50)}) == 1


def test_a_review_that_spells_a_special_token_does_not_contain_one(tmp_path: Path) -> None:
    tokenizer = convert_sentencepiece(sentencepiece_model(tmp_path))
    tokenizer.encode_special_tokens = True
    for text in ("[CLS] 지루해요 [SEP]", "[MASK][PAD]", "［SEP］"):
        assert not {1, 2, 3, 4} & set(tokenizer.encode(text).ids[1:-1])


def test_a_number_and_its_comma_are_two_pieces(tmp_path: Path) -> None:
    model = sentencepiece_model(tmp_path)
    proto = pytest.importorskip("sentencepiece.sentencepiece_model_pb2").ModelProto.FromString(model.read_bytes())
    for piece in ("3,", "▁7,", "▁9,"):
        proto.pieces.add(piece=piece, score=-1.0)
    model.write_bytes(proto.SerializeToString())
    assert "▁7," in spm.SentencePieceProcessor(model_file=str(model)).encode("7, 9,", out_type=str)
    tokenizer = convert_sentencepiece(model)
    for text in ("3,5명", "7, 9,"):
        tokens = tokenizer.encode(text).tokens
        assert not [token for token in tokens if len(token) > 1 and token[-1] == "," and token[-2].isdigit()]
        assert tokens.count(",") == text.count(",")


def test_a_vocabulary_file_beside_it_gives_the_ids(tmp_path: Path) -> None:
    model = sentencepiece_model(tmp_path)
    plain = convert_sentencepiece(model)
    order = sorted(plain.get_vocab(), key=lambda piece: plain.token_to_id(piece))
    moved = order[:5] + order[:4:-1]
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(moved), encoding="utf-8")
    other = convert_sentencepiece(model, vocabulary)
    assert other.encode(SENTENCES[3]).tokens == plain.encode(SENTENCES[3]).tokens
    assert other.encode(SENTENCES[3]).ids == [moved.index(token) for token in plain.encode(SENTENCES[3]).tokens]
    vocabulary.write_text("\n".join(moved[:-1]), encoding="utf-8")
    with pytest.raises(ModelError, match="does not list the pieces"):
        convert_sentencepiece(model, vocabulary)


def test_a_file_that_is_no_sentencepiece_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_text("<html>not found</html>")
    with pytest.raises(ModelError, match="SentencePiece model"):
        convert_sentencepiece(tmp_path / "spiece.model")


def test_a_kobert_folder_is_loaded_with_its_own_tokenizer(tmp_path: Path) -> None:
    """Laid out as skt/kobert-base-v1: a BERT, spiece.model, and a configuration that asks for sampling."""
    transformers = pytest.importorskip("transformers")
    model = sentencepiece_model(tmp_path)
    config = transformers.BertConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "XLNetTokenizer", "sp_model_kwargs": {"nbest_size": -1, "enable_sampling": true}}'
    )
    settings = load_settings(overrides={"model.name": str(tmp_path), "dataset.max_length": 12}, env_file=None)
    encoder = load_encoder(settings, [], tmp_path / "saved")
    assert encoder.pad_id == 1
    assert encoder.tokenizer.encode("주말에 본 최악의 영화").ids == expected_ids(model, "주말에 본 최악의 영화")
    assert len(encoder.tokenizer.encode(" ".join(SENTENCES[:9])).ids) == 12
