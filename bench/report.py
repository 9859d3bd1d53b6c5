"""What was measured as Markdown: a table a case, medians with least and most of the rounds."""

import statistics

OURS = "gatehouse"


def _median(result, key):
    return statistics.median(run[key] for run in result["rounds"])


def _measured(results):
    return {name: r for name, r in results.items() if r["rounds"] and "failed" not in r}


def best_peer(results, figure):
    """(name, median) of the best beside gatehouse, or None."""
    medians = [(_median(r, figure.key), name) for name, r in _measured(results).items()
               if name != OURS]
    return min(medians)[::-1] if medians else None


def _spread(result, figure):
    values = [run[figure.key] for run in result["rounds"]]
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:,.{figure.digits}f} ({least:,.{figure.digits}f} – {most:,.{figure.digits}f})"


def _cells(case, results, name):
    result = results[name]
    for figure in case.counts:
        best = best_peer(results, figure)
        yield _spread(result, figure)
        yield f"{_median(result, figure.key) / best[1]:.2f}" if best else ""
    for figure in case.beside:
        yield f"{_median(result, figure.key):,.{figure.digits}f}"


def verdicts(case, results):
    """A sentence for each figure that counts, where there is something to compare."""
    for figure in case.counts:
        best = best_peer(results, figure)
        if best is None or OURS not in _measured(results):
            continue
        ratio = _median(results[OURS], figure.key) / best[1]
        word = "reached" if ratio <= figure.reach else "NOT reached"
        yield (f"{figure.heading}: {ratio:.2f} of the best peer's, {best[0]}; "
               f"at most {figure.reach:.2f} is the aim: {word}.")


def table(case, results):
    headings = ["proxy"]
    for figure in case.counts:
        headings += [figure.heading, "to best peer"]
    headings += [figure.heading for figure in case.beside]
    lines = [f"## {case.name}", "", f"{case.work}.", "",
             "| " + " | ".join(headings) + " |", "| --- |" + " ---: |" * (len(headings) - 1)]
    for name, result in results.items():
        if "unable" in result or "failed" in result:
            word = "failed" if "failed" in result else "cannot"
            why = result[word if word == "failed" else "unable"].split("\n")[0][:100]
            cells = [f"{word}: {why}".replace("|", "/")] + [""] * (len(headings) - 2)
        else:
            cells = _cells(case, results, name)
        lines.append("| " + " | ".join([name, *cells]) + " |")
    said = list(verdicts(case, results))
    return "\n".join([*lines, *([""] + said if said else [])]) + "\n"


def head(machine, versions, rounds, seconds):
    where = "; ".join(f"{key} {value}" for key, value in machine.items())
    who = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (f"# gatehouse beside its peers\n\n{where}.\n\n{who}.\n\nMedian (least – most) of "
            f"{rounds} rounds of {seconds} s; one worker on a core of its own.\n")
