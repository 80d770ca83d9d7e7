"""What can go wrong while exporting."""

SHOWN_PLACES = 5


class ExportError(Exception):
    """The model cannot be exported."""


class MissingOps(ExportError):
    """The model uses what mlc does not have.

    `missing` maps each missing thing, the name of a primitive first, to the list of places that use
    it: "file:line:column" of the model's code where the framework knows that. All of them are there.
    """

    def __init__(self, missing):
        self.missing = {name: list(places) for name, places in missing.items()}
        super().__init__("the model uses what mlc does not have:\n" +
                         "\n".join(f"  {name} ({len(places)} x): {_shown(places)}"
                                   for name, places in self.missing.items()))


class Unsupported(Exception):
    """Raised by a rule for a form of its primitive that mlc cannot express; becomes part of MissingOps."""


def _shown(places):
    unique = list(dict.fromkeys(places))
    more = f", and {len(unique) - SHOWN_PLACES} more" if len(unique) > SHOWN_PLACES else ""
    return ", ".join(unique[:SHOWN_PLACES]) + more
