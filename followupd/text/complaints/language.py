"""Which language a text is in, told by its small words; "" when it is too short or none fits."""

from functools import cache

from followupd.text.complaints.words import words_of

_SMALL_WORDS = {
    "en": "the and to of is in it you that was for on are with have this not be my i we your but they from at has had "
    "been would can if what when will our there me so an or do as no which were it's i'm don't please thank thanks hello",
    "de": "der die das und ist nicht ich sie wir den dem des ein eine einen mit auf fur von zu im es dass bei auch noch "
    "habe haben hat wurde sind bin war mir mich ihr ihre ihnen mein meine aber seit wie nach kein keine bitte danke ihren "
    "immer schon jetzt wieder ware heute",
    "fr": "le la les et est des une un que qui je vous nous ne pas dans pour sur avec mon ma mes votre vos ce cette il elle "
    "au aux du en sont ai ete j' l' d' n' c' qu' mais plus par depuis toujours bonjour merci suis etait",
    "es": "el la los las y es que de en un una no se por con para mi su mis sus me le lo del al he ha han muy pero como mas "
    "esta este sin cuando ya yo usted ustedes tengo hola gracias desde todavia fue son nos",
    "it": "il lo la gli e di che non un una per con sono mi ho ha del della nel alla anche ma piu come questo questa mio mia "
    "vostro vi ancora stato grazie da al ci le si",
    "nl": "de het een en van ik niet is dat op te met voor zijn mijn heb heeft er maar ook nog bij aan uw u wij we naar om "
    "deze dit al geen wel was werd bedankt",
    "pt": "o a os as e de que nao um uma para com do da no na em meu minha por se mais mas foi esta sao ja como muito voces "
    "eu ao ainda obrigado tenho",
    "sv": "och att det som en ett jag inte ar pa med for av har den till min mitt ni om men sa vi fran har var nu tack hej",
    "da": "og at det som en et jeg ikke er pa med for af har den til min mit i om men sa vi fra var nu tak hej",
    "pl": "i w nie na z do to jest sie ze za moje moj od po jak ale juz prosze dziekuje mam czy ktory przez",
}
#: Fewer words say nothing; at least this share must be small words of the language.
_FEWEST, _SHARE = 4, 0.14


@cache
def _table() -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}


def language_of(text: str) -> str:
    """Return "en", "de", "fr" ..., "other" for a script that is not Latin, or "" when nothing can be said."""
    words = [word for word in words_of(text[:1_500]) if word[0].isalpha()]
    if len(words) < _FEWEST:
        return ""
    if sum(word[0] > "\u024f" for word in words) > len(words) / 2:
        return "other"
    counts = {language: sum(word in small for word in words) for language, small in _table().items()}
    best = max(counts, key=lambda language: (counts[language], language == "en"))
    return best if counts[best] >= _SHARE * len(words) and counts[best] > 1 else ""
