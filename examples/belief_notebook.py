#!/usr/bin/env python3
"""A notebook: what does a partner come to know of a persona? Needs marimo and the extra `plot`.

marimo edit examples/belief_notebook.py     # or run it as a program
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo
    from matplotlib.figure import Figure

    from parlay_marl.catalogue import load_persona, persona_names
    from parlay_marl.negotiation_v0 import play_game
    from parlay_marl.render.belief_plot import belief_figure
    from parlay_marl.studies.beliefs import assess_seen


@app.cell
def _():
    persona = mo.ui.dropdown(persona_names(), value="shark", label="persona")
    games = mo.ui.slider(20, 400, step=20, value=100, label="games in each seat")
    mo.vstack([mo.md("# How soon does a partner know its limit, and do its bluffs hide it?"), persona, games])
    return games, persona


@app.cell
def _(persona):
    record = play_game("linear", persona.value, scenario="saas_enterprise", seed=7)
    mo.vstack([mo.md("## One game: both beliefs, and the truth that they look for"), belief_figure(record.replay())])


@app.cell
def _(games, persona):
    bluffer = load_persona(persona.value)
    traits = bluffer.traits.model_copy(update={"bluff_rate": 0.0})
    honest = bluffer.model_copy(update={"name": f"honest_{bluffer.name}", "traits": traits})
    report = assess_seen([bluffer, honest], ["saas_enterprise"], games=games.value, seed=7)
    about = report.about["saas_enterprise"]
    return (about,)


@app.cell
def _(about):
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    for name, seen in about.items():
        axes.plot([0, 25, 50, 75, 100], [seen.prior_mae[0], *seen.mae], marker="o", label=name)
        print(f"{name}, {seen.bluffs} of {seen.claims} claims are bluffs: the error about its limit is", end=" ")
        print(f"{seen.prior_mae[0]:.3f} of the price range before the first turn, {seen.mae[-1]:.3f} at the end")
    axes.set(xlabel="% of the game", ylabel="error of the limit", ylim=(0, None), title="As a share of the price range")
    axes.legend()
    mo.vstack([mo.md("## Many games: does the error fall?"), figure])


if __name__ == "__main__":
    app.run()
