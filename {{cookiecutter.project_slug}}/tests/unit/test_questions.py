"""Questions that are asked by many, and answered late, wrongly or not at all."""

import asyncio
import threading

import pytest

from app.observability.checks import Question


class Asked:
    """Answers how often it was asked, once it may."""

    def __init__(self) -> None:
        self.times = 0
        self.may_answer = threading.Event()

    def __call__(self) -> int:
        self.times += 1
        assert self.may_answer.wait(10)
        if self.times == 1:
            return 1
        raise RuntimeError(str(self.times))


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_who_asks_meanwhile_gets_the_same_answer_and_who_comes_later_another(asked: Asked) -> None:
    async def ask() -> list[int]:
        question = Question("test", asked)
        asking = [asyncio.create_task(question.answer(10)) for _ in range(100)]
        await asyncio.sleep(0)
        asked.may_answer.set()
        answers = await asyncio.gather(*asking)
        with pytest.raises(RuntimeError, match="2"):
            await question.answer(10)
        return answers

    assert asyncio.run(ask()) == [1] * 100
    assert asked.times == 2


def test_none_in_time_is_a_time_out_and_the_late_one_hurts_nobody(asked: Asked) -> None:
    async def ask() -> None:
        question = Question("test", asked)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await question.answer(0.01)
        assert asked.times == 1
        asked.may_answer.set()
        assert await question.answer(10) == 1

    asyncio.run(ask())
