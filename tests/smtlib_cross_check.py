#!/usr/bin/env python3
"""Asks other solvers about SMT-LIB scripts whose answers are known.

usage: smtlib_cross_check.py FOLDER [SOLVER...]

FOLDER holds .smt2 files with (set-info :status sat|unsat); solvers are bitwuzla, cvc5 and z3, from the PyPI packages `bitwuzla`,
`cvc5` and `z3-solver`. Without a list, those that are installed are asked; none at all is an error. Exit code 1 on any
disagreement, on a script that a solver does not accept, and on one without a status.
"""

import importlib
import pathlib
import re
import sys
import time


def bitwuzla(text: str) -> str:
    import tempfile

    import bitwuzla as b

    options = b.Options()
    options.set(b.Option.PRODUCE_MODELS, True)
    manager = b.TermManager()
    parser = b.Parser(manager, options)
    # Everything but the question itself; get-value would be printed past us.
    script = re.sub(r"^\((check-sat|get-value .*)\)$", "", text, flags=re.M)
    with tempfile.NamedTemporaryFile("w", suffix=".smt2") as file:
        file.write(script)
        file.flush()
        parser.parse(file.name, True)
    result = parser.bitwuzla().check_sat()
    return {b.Result.SAT: "sat", b.Result.UNSAT: "unsat"}.get(result, "unknown")


def cvc5(text: str) -> str:
    import cvc5 as c

    manager = c.TermManager()
    solver = c.Solver(manager)
    parser = c.InputParser(solver)
    parser.setStringInput(c.InputLanguage.SMT_LIB_2_6, text, "script")
    symbols = parser.getSymbolManager()
    answer = "unknown"
    while True:
        command = parser.nextCommand()
        if command.isNull():
            return answer
        output = command.invoke(solver, symbols).strip()
        if "error" in output:
            raise RuntimeError(output)
        if output in ("sat", "unsat"):
            answer = output


def z3(text: str) -> str:
    import z3 as z

    solver = z.SolverFor("QF_BV")
    solver.from_string(re.sub(r"^\(get-value .*\)$", "", text, flags=re.M))
    return str(solver.check())


SOLVERS = {"bitwuzla": bitwuzla, "cvc5": cvc5, "z3": z3}


def installed(name: str) -> bool:
    try:
        importlib.import_module(name)
        return True
    except ImportError:
        return False


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    unknown = [name for name in names if name not in SOLVERS]
    if unknown:
        print(f"no solver is called {', '.join(unknown)}; there are {', '.join(SOLVERS)}", file=sys.stderr)
        return 2
    names = names or [name for name in SOLVERS if installed(name)]
    files = sorted(folder.glob("*.smt2"))
    if not names or not files:
        print("nothing to ask: no solver is installed" if not names else f"no .smt2 files in {folder}", file=sys.stderr)
        return 2
    failures = 0
    for name in names:
        start, counts = time.monotonic(), {"sat": 0, "unsat": 0}
        for file in files:
            text = file.read_text()
            status = re.search(r"^\(set-info :status (sat|unsat)\)$", text, flags=re.M)
            expected = status.group(1) if status else "a status"
            try:
                answer = SOLVERS[name](text)
            except Exception as error:  # whatever a solver does not accept is a finding
                answer = f"error: {error}"
            if answer == expected:
                counts[answer] += 1
            else:
                failures += 1
                print(f"{file.name}: {name} says {answer}, expected {expected}")
        print(f"{name}: {counts['sat']} sat, {counts['unsat']} unsat as expected, {time.monotonic() - start:.1f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
