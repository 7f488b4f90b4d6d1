"""Judges a whole history for the promises P1 to P9, for what removals promise, R1 to R3, and for
what rulings promise, R4 to R8, and screening, R9 and R10.

Invariants: the judge knows the promises and the recorded facts, nothing of how the system works. An
unknown outcome forks the history: that comment may or may not be stored, but at most once; a call
that was answered joins the forks again. Nothing that was not looked at counts as held.
"""

from __future__ import annotations

from tests.chaos.floor import Floor, missing_load
from tests.chaos.history import History
from tests.chaos.judge_connects import check_connects
from tests.chaos.judge_counts import check_counts
from tests.chaos.judge_held import check_held
from tests.chaos.judge_hidden import check_hidden
from tests.chaos.judge_live import check_live
from tests.chaos.judge_log import Log
from tests.chaos.judge_redactions import check_redactions
from tests.chaos.judge_routes import check_calls_of_nodes
from tests.chaos.judge_rules import check_rules
from tests.chaos.judge_rulings import check_rulings
from tests.chaos.judge_screens import check_screens
from tests.chaos.judge_store import check_store
from tests.chaos.judge_times import check_times
from tests.chaos.verdict import Ledger, Verdict


def judge(history: History, floor: Floor | None = None) -> Verdict:
    """Everything that can be said about a run. `floor`: the load below which it is void, and the
    pace that is asked for in calm (None: a test of something that needs neither).
    """
    ledger = Ledger()
    log = Log(history)
    check_store(history, log, ledger)
    check_screens(history, log, ledger)
    check_redactions(history, log, ledger)
    check_hidden(history, log, ledger)
    check_rules(history, log, ledger)
    check_rulings(history, log, ledger)
    check_held(history, log, ledger)
    check_calls_of_nodes(history, ledger)
    check_times(history, ledger)
    check_connects(history, ledger)
    check_counts(history, ledger)
    if floor is None:
        return Verdict(ledger)
    check_live(history, ledger, floor.late_share)
    return Verdict(ledger, missing_load(history, ledger, floor))
