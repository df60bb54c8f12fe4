"""What a person means who answers a text: the keywords of carriers, and wishes in plain words.

Keywords follow Twilio's list (https://help.twilio.com/articles/223134027) and the FCC's rule on
revoking consent (47 CFR 64.1200(a)(10)); beside the English ones stand the words that people of
other countries use. A keyword is the whole message; inside a sentence it only makes a person look.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Intent(StrEnum):
    """What an inbound text asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    REVIEW_STOP = "review_stop"
    NONE = "none"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """
    stop stopall stop_all unsubscribe cancel end quit revoke opt_out optout
    stopp abmelden abbestellen ende beenden
    arret arreter desabonner desinscrire desinscription
    alto parar baja cancelar
    ferma basta cancella disiscrivi annulla
    pare sair remover
    """
)
START_WORDS = _words(
    """
    start unstop yes subscribe resume
    anmelden beginnen
    demarrer reprendre abonner
    iniciar alta empezar reanudar
    inizia avvia
    comecar
    """
)
HELP_WORDS = _words("help info hilfe aide ayuda aiuto ajuda")

_NOISE = re.compile(r"[^\w]+")
_WISHES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(stop|quit|cease|end) (all )?(texting|messaging|sending|contacting|calling|spamming)",
        r"\b(stop|end|cancel) (all )?(the|these|those|your|my|with the) "
        r"(\w+ )?(texts?|messages?|sms|spam|subscription)",
        r"\b(please|pls) (just )?(stop|unsubscribe|remove me)\b(?! by)",
        r"\b(do not|dont|don t|never) (\w+ )?(text|message|contact|write|send|call)\b",
        r"\b(unsubscribe|opt me out|opt out|remove me|take me off|delete my number)\b",
        r"\b(no more|no further) (texts?|messages?|sms|spam)\b",
        r"\b(leave me alone|lose (my|this) number|stop it|wrong number)\b",
        r"\b(keine|bitte keine) (weiteren |mehr )?(sms|nachrichten|werbung)\b",
        r"\b(abmelden|abbestellen|nicht mehr (schreiben|senden|kontaktieren))\b",
        r"\b(plus de (sms|messages?)|desabonner|desinscrire|arretez?)\b",
        r"\b(no (me )?(envie|envien|mande|manden|escriban)|darme de baja|dejen de)\b",
        r"\b(non (mi )?(scrivete|mandate|inviate)|cancellatemi|disiscriv\w+)\b",
        r"\b(nao (me )?(envie|enviem|mande|mandem)|parem de|descadastrar)\b",
    )
)
MAX_READ = 2000


def classify(body: str) -> Intent:
    """What an inbound text asks for.

    `stop`, `start` and `help` are keywords on their own, in any case and with stray punctuation;
    `review_stop` is a wish to hear no more in other words, which a person has to read.
    """
    words = _plain(body[:MAX_READ])
    keyword = words.replace(" ", "_")
    if keyword in STOP_WORDS:
        return Intent.STOP
    if keyword in START_WORDS:
        return Intent.START
    if keyword in HELP_WORDS:
        return Intent.HELP
    return Intent.REVIEW_STOP if any(one.search(words) for one in _WISHES) else Intent.NONE


def _plain(text: str) -> str:
    """Lower case, without accents and punctuation, one blank between words."""
    bare = "".join(
        one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)
    )
    return _NOISE.sub(" ", bare.casefold()).replace("_", " ").strip()
