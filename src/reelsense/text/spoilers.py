"""Whether a review gives the plot away, by rules: named kinds of endings, deaths, culprits, what it came to at last.

What counts is said in docs/labelling-aspects.md.
"""

from __future__ import annotations

import re

# Death as a manner of speaking: 웃겨 죽는 줄, 연기가 죽인다, 죽기 전에 봐야 할.
_FIGURES = re.compile(
    r"죽(?:는|을) ?줄|죽을 ?(?:뻔|맛|때까지|만큼|것 ?같|거 ?같|꺼)|죽겠|죽[여이][준줌주네더]|죽인다|죽여줬"
    r"|죽기 ?전에|때려 ?죽|죽고 ?[싶못살]|숨 ?죽|죽여 ?버리고 ?싶|죽이고 ?싶|죽도록|죽어도|죽어라|죽지 ?못해"
    r"|죽은 ?줄|시간 ?죽|(?:답답|웃|지루|심심|재[밌미])[가-힣]* ?죽|자살 ?행위"
    r"|살아 ?남[아은] ?있|살아남기|살아 ?있는 ?[듯것거]|죽[어었]?[가-힣]* ?(?:연[애예]|감수성)[가-힣 ]*세포"
)
_DIES = r"(?:죽(?:는|었|고|여|인|어|은|자|음)|자살|사망|전사|살해)"
_LIVES = r"(?:살아 ?남|살아 ?나|살아 ?있|살린다|살려)"
_ENDS = (
    r"(?:결혼|이혼|헤어|떠나|떠났|돌아[오와가갔]|선택|잡히|잡혔|배신|도망|이기|이겼|이긴|진다|실패|화해|재결합"
    r"|이루어|이뤄|무죄|유죄|깨어|꿈|자수|검거|체포)"
)
_WHO = (
    r"(?:주인공|여주|남주|엄마|아빠|아버지|어머니|아들|딸|남편|아내|부인|와이프|친구|동생|오빠|형|언니|누나"
    r"|아이|애|둘|다|모두|혼자|전부|부모|남자|여자)"
)
_TOLD = (
    r"(?:해피|새드|배드|베드) ?[엔앤]딩(?!이 ?(?:아니면|좋은)|을? ?좋아|이길|이였으면)",
    r"비극적?인? ?(?:결말|엔딩|최후|으로 ?끝)|결말[이은]? ?비극|암울한 ?(?:결말|엔딩)",
    r"범인[은이] ?(?!누|없|사람|왜|뭐|카|너|소|나중|처음|바로 ?나오)[가-힣]+ ?"
    r"(?:이다|임|였|이었|이란|이라는|인[거걸데]|다\b)",
    r"[가-힣]{1,4}[가이] ?범인(?:이[다란라었였]|인|임|\b)",
    rf"(?:마지막|결국|끝내|끝에|결말|엔딩|막판|후반|끝날)[^.!?]{{0,25}}(?:{_DIES}|{_LIVES}|{_ENDS})",
    rf"{_WHO}[가이는은들도만의]{{0,2}} ?[^.!?,]{{0,12}}(?:{_DIES}|{_LIVES})",
    rf"{_DIES}[가-힣]{{0,2}} ?(?:장면|씬|부분|거 ?|것|점|모습)",
    r"(?:죽음은|죽음을 ?[가-힣]*하는|장렬하게|자살하)|죽었을 ?때|죽었다",
    r"알고 ?보니[^.!?]*(?:었|였|이라|네|다)|사실은[^.!?]{0,20}(?:였|이었|이라)",
    r"(?:이었으면|살았으면|살아[가-힣]{0,4}으면|살아남길) ?[가-힣]*(?:바랬|좋았)",
    r"스포(?:일러)? ?(?:주의|있음|포함)",
)
_TELLS = re.compile("|".join(f"(?:{rule})" for rule in _TOLD))


def gives_away(text: str) -> bool:
    """Whether a review tells an outcome or a secret of the plot.

    >>> gives_away("마지막에 주인공이 죽는 장면에서 울었다"), gives_away("웃겨 죽는 줄 알았다. 결말도 좋음")
    (True, False)
    """
    return _TELLS.search(_FIGURES.sub(" ", text)) is not None


def without_tellers(text: str) -> str:
    """A text without what the rules saw in it: what a model beside the rules may learn from."""
    return _TELLS.sub(" ", _FIGURES.sub(" ", text))
