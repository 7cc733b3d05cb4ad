"""How far a patch is trusted: evidence as numbers, weighed by a small calibrated model.

    evidence = Evidence(failing_on_line=1, passing_on_line=4, usual=True, …)
    trust, chance = judge(evidence)

`evidence` lists what is looked at, `features` what the model makes of it, `model` weighs it
with the numbers of `coefficients.json`, `reasons` says it in words. The numbers are fitted
by `tests/benchmarks/trust`; how far they hold stands in `docs/trust.md`.
"""
