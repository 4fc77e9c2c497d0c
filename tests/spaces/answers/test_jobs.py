"""The last choice counts, whatever order requests come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page.answers.jobs import Jobs, Stopped

EVENTS = st.lists(st.tuples(st.sampled_from(["announce", "begin"]), st.integers(0, 9)), max_size=30)


@given(EVENTS)
def test_only_jobs_of_the_highest_number_go_on(events):
    jobs, begun = Jobs(), []
    other = jobs.begin("other", 0)
    for what, turn in events:
        if what == "announce":
            jobs.announce("me", turn)
        else:
            begun.append(jobs.begin("me", turn))
    newest = max((turn for _, turn in events), default=0)
    assert [job.stopped for job in begun] == [job.turn < newest for job in begun]
    assert not other.stopped


def test_a_visitor_who_leaves_takes_all_jobs_along_and_a_programs_job_is_never_overtaken():
    jobs = Jobs()
    page, program, other = jobs.begin("me", 3), jobs.begin("me", None), jobs.begin("you", 1)
    jobs.announce("me", 4)
    assert page.stopped and not program.stopped
    jobs.leave("me")
    with pytest.raises(Stopped):
        program.check()
    other.check()
    jobs.end("you", other)
    jobs.leave("you")
    assert not other.stopped


def test_a_job_knows_the_cancel_that_stopped_it_until_another_choice_follows():
    jobs = Jobs()
    job = jobs.begin("me", 1)
    assert job.cancelled is None
    jobs.announce("me", 2, cancels=True)
    assert job.stopped and job.cancelled == 2
    jobs.announce("me", 3)
    assert job.stopped and job.cancelled is None
