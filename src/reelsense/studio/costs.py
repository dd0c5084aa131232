"""What a call will cost, told before it is made. An estimate: the provider's bill is what counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from reelsense.sections import ModelPrice, StudioSettings

# As OpenAI listed them, in US dollars; a setting (studio.prices) overrules a row.
PRICES_OF = date(2025, 10, 6)
_SQUARE, _WIDE, _TALL = "1024x1024", "1536x1024", "1024x1536"


def _chat(sent: float, written: float) -> ModelPrice:
    return ModelPrice(input=sent, output=written)


def _image(square: float, other: float) -> ModelPrice:
    return ModelPrice(images={_SQUARE: square, _WIDE: other, _TALL: other})


PRICES: dict[str, ModelPrice] = {
    "gpt-5": _chat(1.25, 10.0),
    "gpt-5-mini": _chat(0.25, 2.0),
    "gpt-5-nano": _chat(0.05, 0.4),
    "gpt-4.1": _chat(2.0, 8.0),
    "gpt-4.1-mini": _chat(0.4, 1.6),
    "gpt-4.1-nano": _chat(0.1, 0.4),
    "gpt-4o": _chat(2.5, 10.0),
    "gpt-4o-mini": _chat(0.15, 0.6),
    # In medium quality, which is what `images` asks for.
    "gpt-image-1": _image(0.042, 0.063),
    "gpt-image-1-mini": _image(0.011, 0.015),
}
# Tokens that an answer takes, thinking included, as a rule.
_WRITTEN = 1200
# Hangul takes more than half a token a letter, other text about a quarter.
_PER_HANGUL, _PER_OTHER = 0.8, 0.3
_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Estimate:
    """`usd` and `krw` are None when the model's price is unknown; `prices_of` is None for a price of the settings."""

    model: str
    usd: float | None
    krw: float | None
    prices_of: date | None
    tokens_sent: int | None = None
    tokens_written: int | None = None


def price_of(settings: StudioSettings, model: str) -> ModelPrice | None:
    """The model's price: of the settings, else of the table, else None."""
    return settings.prices.get(model) or PRICES.get(model)


def tokens_of(text: str) -> int:
    """About how many tokens a text is."""
    hangul = sum("가" <= letter <= "힣" for letter in text)
    return round(hangul * _PER_HANGUL + (len(text) - hangul) * _PER_OTHER)


def estimate_chat(settings: StudioSettings, asked: Iterable[Mapping[str, str]]) -> Estimate:
    """Of one question to the chat model."""
    model = settings.chat_model
    sent = sum(tokens_of(message["content"]) + _PER_MESSAGE for message in asked)
    price = price_of(settings, model)
    if price is None or price.input is None or price.output is None:
        return _estimate(settings, model, None, sent, _WRITTEN)
    return _estimate(settings, model, (sent * price.input + _WRITTEN * price.output) / 1_000_000, sent, _WRITTEN)


def estimate_images(settings: StudioSettings, size: str, number: int) -> Estimate:
    """Of some images of a size."""
    price = price_of(settings, settings.image_model)
    each = price.images.get(size) if price else None
    return _estimate(settings, settings.image_model, None if each is None else each * number)


def _estimate(
    settings: StudioSettings, model: str, usd: float | None, sent: int | None = None, written: int | None = None
) -> Estimate:
    krw = None if usd is None else usd * settings.won_per_dollar
    own = model in settings.prices
    return Estimate(model, usd, krw, None if own or usd is None else PRICES_OF, sent, written)
