"""Every text of the pages that people open, in every language they are offered in.

A text is found by its name; `{name}` stands for what is put in, which is always escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = ("en", "de", "fr")

Texts = Mapping[str, str]
"""One text, by language."""

WORDS: dict[str, Texts] = {
    # --- every page ---------------------------------------------------------------------------
    "to_content": {"en": "To the content", "de": "Zum Inhalt", "fr": "Aller au contenu"},
    "language": {"en": "Language", "de": "Sprache", "fr": "Langue"},
    # --- refusals: what happened, and what to do -------------------------------------------------
    "altered_title": {
        "en": "This link is not complete",
        "de": "Dieser Link ist nicht vollständig",
        "fr": "Ce lien est incomplet",
    },
    "altered_advice": {
        "en": "A part of it got lost or was changed. Open it from the message itself, or copy it "
        "from there in full.",
        "de": "Ein Teil davon ging verloren oder wurde verändert. Öffne ihn direkt aus der "
        "Nachricht, oder kopiere ihn von dort vollständig.",
        "fr": "Une partie a été perdue ou modifiée. Ouvrez-le depuis le message, ou copiez-le en "
        "entier.",
    },
    "expired_title": {
        "en": "This link is over",
        "de": "Dieser Link ist abgelaufen",
        "fr": "Ce lien a expiré",
    },
    "expired_advice": {
        "en": "It was good for a certain time only. Ask for a new one where you asked for this "
        "one.",
        "de": "Er galt nur eine bestimmte Zeit. Fordere dort, woher dieser kam, einen neuen an.",
        "fr": "Il n'était valable qu'un certain temps. Demandez-en un nouveau là d'où venait "
        "celui-ci.",
    },
    "used_title": {
        "en": "This link was used before",
        "de": "Dieser Link wurde schon benutzt",
        "fr": "Ce lien a déjà été utilisé",
    },
    "used_advice": {
        "en": "It works once, and what it was for is done. There is nothing more to do here.",
        "de": "Er gilt ein einziges Mal, und wofür er war, ist erledigt. Hier ist nichts mehr zu "
        "tun.",
        "fr": "Il ne fonctionne qu'une fois, et c'est fait. Il n'y a plus rien à faire ici.",
    },
    "gone_title": {
        "en": "There is nothing behind this link any more",
        "de": "Hinter diesem Link ist nichts mehr",
        "fr": "Il n'y a plus rien derrière ce lien",
    },
    "gone_advice": {
        "en": "What it was about was removed; no more messages come because of it.",
        "de": "Worum es ging, wurde gelöscht; deswegen kommen keine Nachrichten mehr.",
        "fr": "Ce dont il s'agissait a été supprimé ; vous ne recevrez plus de message à ce sujet.",
    },
    "other_title": {
        "en": "This link is for somebody else",
        "de": "Dieser Link ist für jemand anderen",
        "fr": "Ce lien est destiné à quelqu'un d'autre",
    },
    "other_advice": {
        "en": "It was sent to another person and works for that person only. Ask the shop for a "
        "link of your own.",
        "de": "Er wurde an eine andere Person geschickt und gilt nur für sie. Bitte den Shop "
        "um einen eigenen Link.",
        "fr": "Il a été envoyé à une autre personne et ne fonctionne que pour elle. Demandez "
        "votre propre lien à la boutique.",
    },
    "busy_title": {
        "en": "That was a little fast",
        "de": "Das war etwas schnell",
        "fr": "C'était un peu rapide",
    },
    "busy_advice": {
        "en": "Wait a minute and try again; nothing was lost.",
        "de": "Warte eine Minute und versuche es noch einmal; es ging nichts verloren.",
        "fr": "Attendez une minute et réessayez ; rien n'a été perdu.",
    },
    "away_title": {
        "en": "We cannot do this at the moment",
        "de": "Das geht im Augenblick nicht",
        "fr": "Ce n'est pas possible pour le moment",
    },
    "away_advice": {
        "en": "Something on our side is away; nothing was changed. Try again in a few minutes.",
        "de": "Bei uns ist gerade etwas nicht erreichbar; es wurde nichts geändert. Versuche "
        "es in ein paar Minuten noch einmal.",
        "fr": "Un de nos services est indisponible ; rien n'a été modifié. Réessayez dans "
        "quelques minutes.",
    },
    "form_title": {
        "en": "The form was not understood",
        "de": "Das Formular wurde nicht verstanden",
        "fr": "Le formulaire n'a pas été compris",
    },
    "form_advice": {
        "en": "Open the link again and send the form from there; nothing was changed.",
        "de": "Öffne den Link noch einmal und sende das Formular von dort; es wurde "
        "nichts geändert.",
        "fr": "Rouvrez le lien et envoyez le formulaire depuis la page ; rien n'a été modifié.",
    },
    # --- unsubscribe ------------------------------------------------------------------------------
    "unsubscribe_title": {
        "en": "Stop these messages?",
        "de": "Diese Nachrichten abbestellen?",
        "fr": "Ne plus recevoir ces messages ?",
    },
    "unsubscribe_about": {
        "en": "{address} will get no more news and offers. Messages that you need, such as a "
        "receipt, still come.",
        "de": "{address} erhält keine Neuigkeiten und Angebote mehr. Was du brauchst, etwa ein "
        "Beleg, kommt weiterhin.",
        "fr": "{address} ne recevra plus de nouveautés ni d'offres. Les messages nécessaires, "
        "comme un reçu, arriveront toujours.",
    },
    "unsubscribe_button": {"en": "Unsubscribe", "de": "Abbestellen", "fr": "Se désabonner"},
    "unsubscribed_title": {
        "en": "You are unsubscribed",
        "de": "Du bist abgemeldet",
        "fr": "Vous êtes désabonné",
    },
    "unsubscribed_about": {
        "en": "{address} gets no more news and offers from now on. Your points stay yours.",
        "de": "{address} erhält ab jetzt keine Neuigkeiten und Angebote mehr. Deine Punkte "
        "behältst du.",
        "fr": "{address} ne reçoit plus de nouveautés ni d'offres. Vous conservez vos points.",
    },
    "choose_instead": {
        "en": "Or choose what you want to hear about",
        "de": "Oder wähle, wovon du hören möchtest",
        "fr": "Ou choisissez ce qui vous intéresse",
    },
    # --- preference centre ------------------------------------------------------------------------
    "preferences_title": {
        "en": "What we may write to you about",
        "de": "Worüber wir dir schreiben dürfen",
        "fr": "Ce que nous pouvons vous écrire",
    },
    "preferences_about": {
        "en": "Tick what you want. You can change it at any time by the link in each message.",
        "de": "Kreuze an, was du möchtest. Über den Link in jeder Nachricht kannst du es "
        "jederzeit ändern.",
        "fr": "Cochez ce que vous souhaitez. Vous pouvez changer d'avis à tout moment par le lien "
        "de chaque message.",
    },
    "channel_email": {"en": "By e-mail", "de": "Per E-Mail", "fr": "Par e-mail"},
    "channel_sms": {"en": "By text message", "de": "Per SMS", "fr": "Par SMS"},
    "to_address": {"en": "to {address}", "de": "an {address}", "fr": "à {address}"},
    "news_and_offers": {
        "en": "News and offers",
        "de": "Neuigkeiten und Angebote",
        "fr": "Nouveautés et offres",
    },
    "save": {"en": "Save", "de": "Speichern", "fr": "Enregistrer"},
    "saved": {
        "en": "Saved. It is so from now on.",
        "de": "Gespeichert. Es gilt ab jetzt.",
        "fr": "Enregistré. C'est valable dès maintenant.",
    },
    "saved_to_confirm": {
        "en": "Saved. For what is new we send you a message with a button to confirm it.",
        "de": "Gespeichert. Für Neues schicken wir dir eine Nachricht mit einem Knopf zum "
        "Bestätigen.",
        "fr": "Enregistré. Pour ce qui est nouveau, nous vous envoyons un message à confirmer.",
    },
    "stopped_by_keyword": {
        "en": "You stopped text messages from your phone. Text START to us to get them again.",
        "de": "Du hast SMS vom Telefon aus gestoppt. Sende uns START, um sie wieder zu erhalten.",
        "fr": "Vous avez arrêté les SMS depuis votre téléphone. Envoyez-nous START pour en "
        "recevoir de nouveau.",
    },
    "waits_for_confirmation": {
        "en": "This waits until you press the button in the message that we sent you.",
        "de": "Das wartet, bis du auf den Knopf in der Nachricht drückst, die wir dir geschickt "
        "haben.",
        "fr": "En attente de votre clic sur le bouton du message que nous vous avons envoyé.",
    },
    "stop_everything": {
        "en": "No more news and offers at all",
        "de": "Gar keine Neuigkeiten und Angebote mehr",
        "fr": "Plus aucune nouveauté ni offre",
    },
    # --- double opt-in ----------------------------------------------------------------------------
    "confirm_title": {
        "en": "One more press",
        "de": "Nur noch ein Klick",
        "fr": "Encore un clic",
    },
    "confirm_about": {
        "en": "Confirm that {address} may get news and offers from us. You can stop them at any "
        "time.",
        "de": "Bestätige, dass {address} Neuigkeiten und Angebote von uns erhalten darf. "
        "Abbestellen kannst du jederzeit.",
        "fr": "Confirmez que {address} peut recevoir nos nouveautés et offres. Vous pouvez vous "
        "désabonner à tout moment.",
    },
    "confirm_button": {"en": "Yes, confirm", "de": "Ja, bestätigen", "fr": "Oui, je confirme"},
    "confirmed_title": {
        "en": "Thank you, confirmed",
        "de": "Danke, bestätigt",
        "fr": "Merci, c'est confirmé",
    },
    "confirmed_about": {
        "en": "{address} gets our news and offers from now on.",
        "de": "{address} erhält ab jetzt unsere Neuigkeiten und Angebote.",
        "fr": "{address} reçoit désormais nos nouveautés et offres.",
    },
    # --- joining by invitation -----------------------------------------------------------------
    "join_title": {
        "en": "Join {programme}",
        "de": "Bei {programme} mitmachen",
        "fr": "Rejoindre {programme}",
    },
    "join_greeting": {"en": "Hello {who},", "de": "Hallo {who},", "fr": "Bonjour {who},"},
    "join_about": {
        "en": "{shop} invites you: join now, and {points} points are yours at once.",
        "de": "{shop} lädt dich ein: Mach jetzt mit, und {points} Punkte gehören sofort dir.",
        "fr": "{shop} vous invite : inscrivez-vous et {points} points sont à vous tout de suite.",
    },
    "join_button": {
        "en": "Join and get my points",
        "de": "Mitmachen und Punkte bekommen",
        "fr": "Rejoindre et recevoir mes points",
    },
    "join_elsewhere": {
        "en": "Sign up or sign in at {shop} with this address, and your {points} points are added "
        "by themselves.",
        "de": "Melde dich bei {shop} mit dieser Adresse an, und deine {points} Punkte werden "
        "von selbst gutgeschrieben.",
        "fr": "Inscrivez-vous ou connectez-vous chez {shop} avec cette adresse : vos {points} "
        "points seront ajoutés d'eux-mêmes.",
    },
    "join_go": {
        "en": "Go on to the shop",
        "de": "Weiter zum Shop",
        "fr": "Continuer vers la boutique",
    },
    "joined_title": {"en": "Welcome!", "de": "Willkommen!", "fr": "Bienvenue !"},
    "joined_about": {
        "en": "You are a member of {programme}, and {points} points are in your account.",
        "de": "Du bist Mitglied bei {programme}, und {points} Punkte liegen auf deinem Konto.",
        "fr": "Vous êtes membre de {programme}, et {points} points sont sur votre compte.",
    },
    "joining_about": {
        "en": "You are on the way into {programme}: {points} points follow within a minute.",
        "de": "Du bist auf dem Weg zu {programme}: {points} Punkte folgen in einer Minute.",
        "fr": "Votre inscription à {programme} est en cours : {points} points suivent dans une "
        "minute.",
    },
    # --- chats and recommendations -----------------------------------------------------------
    "go_now": {
        "en": "Go now",
        "de": "Jetzt weiter",
        "fr": "Continuer",
    },
    "no_portal": {
        "en": "Sign up or log in at the shop first, then open this link again.",
        "de": "Registriere dich zuerst im Shop oder melde dich dort an, und öffne "
        "diesen Link dann noch einmal.",
        "fr": "Inscrivez-vous ou connectez-vous d'abord dans la boutique, puis rouvrez ce lien.",
    },
    "bind_title": {
        "en": "Connect this chat with {programme}",
        "de": "Diesen Chat mit {programme} verbinden",
        "fr": "Relier cette conversation à {programme}",
    },
    "bind_about": {
        "en": "From then on this chat and your membership are one account.",
        "de": "Dann sind dieser Chat und deine Mitgliedschaft ein Konto.",
        "fr": "Cette conversation et votre adhésion ne feront alors qu'un seul compte.",
    },
    "bind_button": {
        "en": "Connect",
        "de": "Verbinden",
        "fr": "Relier",
    },
    "bind_sign_in": {
        "en": "Sign up or log in, and come back here by yourself. The link is good for a "
        "short time only.",
        "de": "Registriere dich oder melde dich an; du kommst dann von selbst "
        "hierher zurück. Der Link gilt nur kurze Zeit.",
        "fr": "Inscrivez-vous ou connectez-vous : vous reviendrez ici automatiquement. Le "
        "lien n'est valable que peu de temps.",
    },
    "bound_title": {
        "en": "Member profile bound successfully",
        "de": "Mitgliedsprofil erfolgreich verbunden",
        "fr": "Profil de membre relié",
    },
    "binding_title": {
        "en": "Your profile is being bound",
        "de": "Dein Profil wird verbunden",
        "fr": "Votre profil est en cours de liaison",
    },
    "bound_about": {
        "en": "This chat belongs to your {programme} membership now. You can close this page.",
        "de": "Dieser Chat gehört jetzt zu deiner Mitgliedschaft bei {programme}. Du kannst diese "
        "Seite schließen.",
        "fr": "Cette conversation fait maintenant partie de votre adhésion à {programme}. Vous "
        "pouvez fermer cette page.",
    },
    "referred_title": {
        "en": "Join {programme}",
        "de": "Mach mit bei {programme}",
        "fr": "Rejoignez {programme}",
    },
    "referred_by": {
        "en": "{by} recommends it to you.",
        "de": "{by} empfiehlt es dir.",
        "fr": "{by} vous le recommande.",
    },
    "referred_about": {
        "en": "Sign up by this link, so that your friend's recommendation counts.",
        "de": "Melde dich über diesen Link an, damit die Empfehlung zählt.",
        "fr": "Inscrivez-vous par ce lien pour que la recommandation compte.",
    },
    "referred_button": {
        "en": "Join",
        "de": "Mitmachen",
        "fr": "Rejoindre",
    },
    "referred_member": {
        "en": "You are a member already: recommendations are for people who are new.",
        "de": "Du bist schon Mitglied: Empfehlungen sind für neue Leute.",
        "fr": "Vous êtes déjà membre : les recommandations sont pour les nouveaux.",
    },
    "referred_joined": {
        "en": "Welcome, you are a member now",
        "de": "Willkommen, du bist jetzt Mitglied",
        "fr": "Bienvenue, vous êtes membre",
    },
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts in one language: `wording("altered_title")`."""

    language: str

    def __call__(self, name: str, **values: object) -> str:
        """A text with its values; the page escapes the whole."""
        found = WORDS[name][self.language]
        return found.format(**values) if values else found
