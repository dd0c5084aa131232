"""Three lines from Python: python examples/inference.py"""

import reelsense

model = reelsense.load()
for text in ("배우들 연기가 정말 좋았어요 ㅠㅠ", "돈이 아깝다", "그냥 볼만함"):
    print(text, model.predict(text))
