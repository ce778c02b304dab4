"""The stage beside the chat: what can be arranged, and what is told of it."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import PlayClock
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.stage import FAULTS as SLACK_FAULTS
from bot.playground.slack.stage import SlackStage
from bot.playground.slack.world import U_ANA
from bot.playground.stage import Stage
from bot.playground.trace import Trace
from bot.playground.volcengine.gateway import ERRORS
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.stage import FAULTS as RTC_FAULTS
from bot.playground.volcengine.stage import RtcStage
from bot.recording.reading import TaskRefused, TaskUnavailable
from testing.factories import ask, open_brief_bot

Json = dict[str, Any]
ERROR_ANSWER: Json = {
    "ResponseMetadata": {"RequestId": "r1", "Error": {"CodeN": 100012, "Code": "LackPolicy", "Message": "grant it"}}
}


class Playing:
    """The stage and what stands on it, spoken to over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, slack: FakeSlack, rtc: FakeRtc, clock: PlayClock) -> None:
        self.http, self.slack, self.rtc, self.clock = http, slack, rtc, clock

    async def do(self, what: str, *, expected: int = 200, **said: object) -> Json:
        async with self.http.post(f"{self.slack.url}/-/stage/{what}", json=said) as response:
            assert response.status == expected
            told: Json = await response.json()
            return told

    async def look(self) -> Json:
        async with self.http.get(f"{self.slack.url}/-/stage") as response:
            told: Json = await response.json()
            return told

    async def row(self, room: str) -> Json:
        rows: list[Json] = (await self.look())["stage"]["rtc"]["tasks"]
        return next(row for row in rows if row["room"] == room)


@pytest.fixture
async def playing(http: aiohttp.ClientSession) -> AsyncIterator[Playing]:
    clock = PlayClock()
    trace = Trace(clock)
    async with open_fake_rtc(FakeRtc(clock=clock.now, trace=trace)) as rtc:
        slack = FakeSlack(clock=clock, trace=trace)
        slack.add_routes(Stage(trace, clock, slack=SlackStage(slack), rtc=RtcStage(rtc)).routes())
        async with open_fake_slack(slack):
            yield Playing(http, slack, rtc, clock)


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("end", {"status": 3, "reason": "StopByAPI", "files": 1}),
        ("fail", {"status": 4, "reason": "UnknownStopReason", "files": 1}),
        ("idle", {"status": 3, "reason": "IdleTimeOut", "files": 1}),
        ("leave_files", {"status": 2, "files": 1}),
        ("replace", {"status": 2, "files": 0}),
        ("forget", {"is_known": False, "status": None}),
        ("restore", {"status": 2, "files": 0}),
    ],
)
async def test_a_recording_is_changed(playing: Playing, do: str, expected: Json) -> None:
    before = await playing.row("running")
    assert (before["status"], before["files"]) == (2, 0)
    await playing.do("task", do=do, room="running")
    after = await playing.row("running")
    assert {name: after[name] for name in expected} == expected
    await playing.do("task", do="restore", room="running", task="Task1")
    assert await playing.row("running") == before


async def test_files_are_lost(playing: Playing) -> None:
    await playing.do("task", do="lose_files", room="idle")
    assert (await playing.row("idle"))["files"] == 0


async def test_looking_on_begins_no_scene(playing: Playing) -> None:
    assert (await playing.row("soon"))["status"] == 2
    await playing.do("clock", forward=3600)
    assert (await playing.row("soon"))["status"] == 2
    async with open_brief_bot(playing.rtc) as bot:
        with pytest.raises(TaskRefused):  # the bot of this test has its own clock, an hour behind
            await ask(bot, "soon")
    assert (await playing.look())["stage"]["clock"] == {"ahead": 3600.0}


async def test_rtc_goes_wrong_and_is_well_again(playing: Playing) -> None:
    async with open_brief_bot(playing.rtc) as bot:
        for fault, happened in [
            ("skewed", "InvalidTimestamp"),
            ("429", "FlowLimitExceeded"),
            ("down", "refused"),
            ("slow", "did not answer"),
            ("LackPolicy", "LackPolicy"),
            ("reset", "connection"),
        ]:
            await playing.do("rtc", fault=fault)
            assert (await playing.look())["stage"]["rtc"]["fault"] == fault
            with pytest.raises((TaskRefused, TaskUnavailable), match=happened):
                await ask(bot, "Room1", fresh=True)
        await playing.do("rtc", fault=None)
        assert (await ask(bot, "Room1", fresh=True)).task.is_over
    assert (await playing.look())["stage"]["rtc"]["fault"] is None


async def test_slack_goes_wrong_and_is_well_again(playing: Playing) -> None:
    client = AsyncWebClient(token=playing.slack.bot_token, base_url=playing.slack.api_url, retry_handlers=[])
    for fault, status in [("429", 429), ("down", 503)]:
        await playing.do("slack", fault=fault)
        with pytest.raises(SlackApiError) as caught:
            await client.auth_test()
        assert caught.value.response.status_code == status
    await playing.do("slack", fault="reset")
    assert (await playing.look())["stage"]["slack"]["fault"] == "reset"
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=U_ANA, text="Ended")
    assert [message.text for message in playing.slack.messages] == ["Ended"]
    assert (await playing.look())["stage"]["slack"]["fault"] is None
    await playing.do("slack", method="auth.test", kind="internal_error")
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.auth_test()
    await playing.do("slack", fault=None)
    assert (await client.auth_test())["ok"]


async def test_the_bot_may_be_reached_over_http_from_now_on(playing: Playing) -> None:
    assert (await playing.look())["stage"]["slack"]["request_url"] is None
    await playing.do("slack", request_url="http://127.0.0.1:3000/slack/events")
    assert (await playing.look())["stage"]["slack"]["request_url"] == playing.slack.request_url


def test_each_fault_says_what_it_does() -> None:
    assert RTC_FAULTS.keys() == {"slow", "down", "429", "skewed"}
    assert SLACK_FAULTS.keys() == {"429", "down", "reset", "sockets"}


@pytest.mark.parametrize("depth", ["answer", "result", "task"])
async def test_ones_own_recording(playing: Playing, tmp_path: Path, depth: str) -> None:
    """Also one that RTC has forgotten long ago, from the clipboard or from a file."""
    task = {"Status": 3, "StartTime": 1_600_000_000_000, "EndTime": 1_600_000_060_000, "StopReason": "IdleTimeOut"}
    forms: dict[str, Json] = {"task": task, "result": {"RecordTask": task}}
    forms["answer"] = {"ResponseMetadata": {}, "Result": forms["result"]}
    text = json.dumps(forms[depth])
    (tmp_path / "answer.json").write_text(text)
    async with open_brief_bot(playing.rtc) as bot:
        for number, answer in enumerate([text, str(tmp_path / "answer.json")], start=1):
            told = await playing.do("own", answer=answer)
            assert told == {"ok": True, "room": f"own-{number}", "task": "Task1"}
            assert (await ask(bot, told["room"])).task.ended_at == datetime(2020, 9, 13, 12, 27, 40, tzinfo=UTC)
        await playing.do("own", answer=text, room="Incident", task="T-1")
        assert (await ask(bot, "Incident", "T-1")).task.is_over
    assert (await playing.row("Incident"))["about"] == "your own"


@pytest.mark.parametrize("answer", [ERROR_ANSWER, ERROR_ANSWER["ResponseMetadata"]])
async def test_an_error_that_somebody_was_answered(playing: Playing, answer: Json) -> None:
    told = await playing.do("own", answer=json.dumps(answer), room="refused")
    assert told == {"ok": True, "room": "refused", "task": "Task1"}
    async with open_brief_bot(playing.rtc) as bot:
        with pytest.raises(TaskRefused) as failed:
            await ask(bot, "refused")
    assert (failed.value.code, "grant it" in failed.value.happened) == ("LackPolicy", True)
    await playing.do("own", answer='{"Status": 3, "StartTime": 1}', room="refused")
    async with open_brief_bot(playing.rtc) as bot:
        assert (await ask(bot, "refused")).task.is_over


@pytest.mark.parametrize("ids", [{"room": "a room"}, {"task": "tâche"}, {"room": "r" * 129}])
async def test_an_id_that_rtc_would_refuse(playing: Playing, ids: Json) -> None:
    told = await playing.do("own", answer='{"Status": 3}', expected=400, **ids)
    assert told["error"] == f"A {next(iter(ids))} id has only letters, digits, _ @ - and a dot, at most 128 of them."


@pytest.mark.parametrize(
    ("what", "said", "error"),
    [
        ("clock", {}, "forward is missing or unknown."),
        ("clock", {"forward": "soon"}, "forward is a number of seconds."),
        ("clock", {"forward": [1]}, "forward is a number of seconds."),
        ("task", {"do": "fly", "room": "running"}, "A recording cannot be made to 'fly'."),
        ("rtc", {"fault": "rain"}, "There is no fault or error 'rain'."),
        ("slack", {"fault": "rain"}, "There is no fault 'rain' of Slack's."),
        ("rtc", {"fault": ["down"]}, "Something in it is of another type than expected."),
    ],
)
async def test_mistakes_are_told_in_words(playing: Playing, what: str, said: Json, error: str) -> None:
    assert (await playing.do(what, expected=400, **said))["error"] == error


async def test_every_error_of_the_vendors_is_offered(playing: Playing) -> None:
    assert set((await playing.look())["stage"]["rtc"]["errors"]) == set(ERRORS)


@pytest.mark.parametrize("answer", ["", "{", "[]", "{}", "/nonexistent", "/dev", "nothing\0"])
async def test_what_is_no_recording(playing: Playing, answer: str) -> None:
    told = await playing.do("own", answer=answer, expected=400)
    assert re.fullmatch(r"(Neither JSON|This is not JSON|There is no Result)[^<>]*", told["error"])


async def test_a_file_that_is_too_large(playing: Playing, tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(b"{" * 5_000_001)
    assert "too large" in (await playing.do("own", answer=str(tmp_path / "huge"), expected=400))["error"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("task", {"do": "dance", "room": "idle"}),
        ("task", {"do": "end"}),
        ("rtc", {"fault": "boredom"}),
        ("rtc", {}),
        ("slack", {"fault": "boredom"}),
        ("slack", {"method": "auth.test", "nonsense": 1}),
        ("clock", {"forward": -1}),
        ("clock", {"forward": "soon"}),
    ],
)
async def test_what_can_not_be_arranged(playing: Playing, what: str, said: Json) -> None:
    assert not (await playing.do(what, expected=400, **said))["ok"]


async def test_it_is_reached_from_this_machine_only(playing: Playing) -> None:
    url = f"{playing.slack.url}/-/stage"
    async with playing.http.get(url, headers={"Origin": "https://evil.example.com"}) as response:
        assert response.status == 403
    async with playing.http.post(f"{url}/clock", data=b'{"forward": 1}') as response:
        assert response.status == 415
    async with playing.http.post(f"{url}/dance", json={}) as response:
        assert response.status == 404
    assert playing.clock.ahead == 0


async def test_what_happens_is_told_as_it_happens(playing: Playing) -> None:
    """The canonical request is what the stand-in computed from what it received."""
    async with playing.http.ws_connect(f"{playing.slack.url}/-/stage/events") as events:
        first = await events.receive_json()
        assert first["stage"]["rtc"]["fault"] is None
        async with open_brief_bot(playing.rtc) as bot:
            await ask(bot, "Room1")
        entries = (await events.receive_json())["entries"]
        await playing.do("task", do="end", room="running")
        news = await events.receive_json()
    assert [(entry["layer"], entry["what"]) for entry in entries] == [("rtc", "GetRecordTask")]
    detail = entries[0]["detail"]
    assert detail["canonical request, as computed here"].startswith("GET\n/\nAction=GetRecordTask&AppId=")
    assert json.loads(detail["answer"])["Result"]["RecordTask"]["Status"] == 3
    assert [(entry["layer"], entry["summary"]) for entry in news["entries"]] == [
        ("stage", "end: room running, task Task1")
    ]
    after = entries[0]["number"]
    async with playing.http.get(f"{playing.slack.url}/-/stage?after={after}") as response:
        assert [entry["number"] for entry in (await response.json())["entries"]] == [after + 1]


async def test_who_does_not_wait_for_an_answer_is_told_of(playing: Playing) -> None:
    await playing.do("rtc", fault="slow")
    with pytest.raises(TimeoutError):
        await playing.http.get(f"{playing.rtc.url}/?Action=GetRecordTask", timeout=aiohttp.ClientTimeout(total=0.05))
    await playing.slack.wait_for(lambda: playing.slack.world.trace.entries)
    while (newest := (await playing.look())["entries"][-1])["layer"] != "rtc":
        pass
    assert newest["summary"].endswith("nobody waited for the answer")


def test_the_clock_goes_forward_for_all() -> None:
    clock = PlayClock(lambda: 1_000_000_000.0)
    before, timer = clock.now(), clock.timer()
    clock.forward(3600)
    assert clock.now() - before == timedelta(hours=1)
    assert clock.timer() - timer > 3599
    assert clock() == 1_000_003_600.0
