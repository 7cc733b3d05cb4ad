"""A stand-in for Jira, as strict as Jira where Paramedic could go wrong.

It is no Jira. It knows one site with two projects, whoever asks may do anything there, and
it keeps to what was seen of Jira Cloud (API v3) and Data Center (API v2): which fields are
taken, how long texts may be, what the search does not know yet, how limits are told. It
does not render texts, send mails, keep a history of changes, know boards, sprints or
permissions; its JQL knows the fields and operators in `jql`; a Cloud's API v2 takes ADF
as v3 does.

    with StandInJira.start() as jira:
        jira.faults.drop_after(method="POST", path="/issue$")
        ...
        assert len(jira.tickets) == 1
"""

from tests.support.jira.faults import When
from tests.support.jira.model import StandInTicket
from tests.support.jira.places import EMAIL, TOKEN
from tests.support.jira.server import RequestRecord, StandInJira

__all__ = ["EMAIL", "TOKEN", "RequestRecord", "StandInJira", "StandInTicket", "When"]
