"""The negotiation core: every rule once, in small compiled functions over one row per negotiation.

`moves`, `bargain`, `tension`, `credibility`, `drift`, `belief` and `reward` hold one concept each: its parameters and
its scalar rules. `params`, `state` and `observation` declare the three records as tables. `chance` draws a game,
`step` plays it, `outcome` reports the result. Imports numpy, numba and the standard library only.
"""
