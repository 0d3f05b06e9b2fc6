"""The options of commands that play games of any form: the fields of `FormSettings`."""

from __future__ import annotations

from typing import Any

import typer

from parlay_marl.cli.model_options import ModelOptions, given_settings

FORM_OPTIONS = ModelOptions("parlay_marl.form_fields", "FormSettings")


def given_form(context: typer.Context) -> dict[str, Any]:
    """Return the settings of the form that were given and are not the usual ones."""
    from parlay_marl.form_fields import FormSettings
    from parlay_marl.game.form_settings import checked_form
    from parlay_marl.option import flags

    return checked_form(given_settings(context), context.info_name or "form", flags(FormSettings))
