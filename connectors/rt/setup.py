"""What an RT administrator pastes, because RT's REST2 cannot make scrips."""

from collections.abc import Sequence

from bridge.contract import SetUpChange
from connectors.rt.health import user_id
from connectors.rt.settings import Settings

_CODE = """my $t = $self->TransactionObj; my $k = $self->TicketObj;
@SKIP@require LWP::UserAgent; require JSON; require Digest::SHA;
my $b = JSON->new->canonical->utf8->encode({ event => lc $t->Type, ticket => $k->Id + 0,
  transaction => $t->Id + 0, type => $t->Type, creator => $t->CreatorObj->Name });
LWP::UserAgent->new(timeout => 3, max_redirect => 0)->post('@URL@',
  'Content-Type' => 'application/json', 'X-Bridge-Signature' =>
  Digest::SHA::hmac_sha256_hex($b, '<accounts.@NAME@.hook_secret>'), Content => $b);
1;"""
_SKIP = "return 1 if $t->Creator == @USER@;  # what the bridge writes itself\n"


def manual_steps(config: Settings, name: str, url: str, *, remove: bool) -> Sequence[SetUpChange]:
    """Sentences for a person; nothing is changed by them."""
    conditions = ("On Correspond", "On Comment", "On Status Change")
    place = f"In RT, Admin > Queues > {config.queue} > Scrips"
    if remove:
        zh = f"在 RT 的 Admin > Queues > {config.queue} > Scrips 中，删除名为“Bridge …”的 Scrip。"
        return [SetUpChange(f"{place}: delete the scrips named 'Bridge …'.", zh=zh)]
    steps = []
    if not config.hook_secret.get_secret_value():
        steps.append(
            SetUpChange(
                "Set hook_secret in the configuration (openssl rand -hex 32) and restart.",
                zh="请在配置中设置 hook_secret（可用 openssl rand -hex 32 生成）并重启。",
            )
        )
    steps += [
        SetUpChange(
            f"{place} > Create: description 'Bridge {condition}', condition '{condition}', action 'User Defined', "
            "template 'Blank', custom action preparation code 'return 1;', custom action commit code as below, with "
            "the callbacks' secret in it.",
            zh=(
                f"在 RT 的 Admin > Queues > {config.queue} > Scrips > Create：Description 填“Bridge {condition}”，"
                f"Condition 选“{condition}”，Action 选“User Defined”，Template 选“Blank”；"
                "Custom action preparation code 填“return 1;”，Custom action commit code 填下方代码（其中含回调密钥）。"
            ),
        )
        for condition in conditions
    ]
    skip = _SKIP.replace("@USER@", user_id(config)) if user_id(config) else ""
    steps.append(SetUpChange(_CODE.replace("@SKIP@", skip).replace("@URL@", url).replace("@NAME@", name)))
    return steps
