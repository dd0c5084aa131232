"""reelsense: Korean film reviews, collected, scored and understood.

>>> import reelsense
>>> model = reelsense.load()
>>> model.predict("배우들 연기가 정말 좋았어요").label.korean
'긍정'
"""

from reelsense.predictor import Predictor, load

__all__ = ["Predictor", "load"]
