"""The table of result codes: complete, and in both languages."""

from datetime import UTC, datetime

from bridge.contract import Rejected, Retryable
from connectors.wechat.codes import CODES, failure

NOW = datetime(2026, 1, 5, tzinfo=UTC)

# The codes that concern tokens, sending, typing, files and subscription messages, from the platform's pages
# https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html,
# …/kf-mgnt/kf-message/api_sendcustommessage.html, …/kf-mgnt/kf-message/api_uploadtempmedia.html,
# …/mp-message-management/subscribe-message/api_sendmessage.html and the list in WxJava's WxOpenErrorMsgEnum.
DOCUMENTED = {
    *(-1, 40001, 40002, 40013, 40014, 42001, 40125, 40164, 40243, 41001, 41002, 41004, 43002, 45009, 45011),
    *(50004, 50007, 89503, 89506, 89507),
    *(40003, 40007, 40008, 40033, 40037, 40097, 40101, 40200, 44002, 47001, 43004, 43019, 50005, 43101, 44004),
    *(45002, 45003, 45004, 45005, 45006, 45015, 45047, 45072, 45080, 45081, 45157, 45162, 45166, 45168, 47003),
    *(48001, 48002, 48003, 48004, 48008, 50002, 61007, 70000, 87009, 87014),
    *(40004, 40005, 40006, 40009, 41005, 44001, 45001),
    *(41030, 43107, 43108),
}


def test_every_documented_code_is_known():
    assert set(CODES) == DOCUMENTED


def test_every_code_has_a_plain_sentence_in_both_languages():
    for number, code in CODES.items():
        assert code.en[0].isupper(), number
        assert code.en.endswith("."), number
        assert code.zh.endswith("。"), number
        assert not any("\u3400" <= character <= "\u9fff" for character in code.en), number
        assert any("\u3400" <= character <= "\u9fff" for character in code.zh), number
        assert str(number) not in code.en + code.zh, number  # a number helps no agent


def test_the_platforms_words_are_kept_short_and_on_one_line():
    error = failure(45002, "too\nlong " + "x" * 1000, "send", NOW)
    assert "\n" not in error.message
    assert len(error.message) < 400


def test_busy_is_only_doubtful_where_something_may_have_happened():
    assert failure(-1, "", "send", NOW).then_unknown
    safe = failure(-1, "", "media/upload", NOW, safe=True)
    assert isinstance(safe, Retryable)
    assert not safe.then_unknown


def test_a_code_nobody_knows_is_refused_with_its_number_for_the_agent():
    error = failure(12345, "new", "send", NOW)
    assert type(error) is Rejected
    assert error.reason == {
        "en": "WeChat refused the message (code 12345).",
        "zh": "微信拒绝了该消息（错误码 12345）。",
    }
