"""A running Request Tracker 5, started by the script of the real desks."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bridge.contract import Http, Response
from bridge.testing.ports import free_port
from tests.real.conftest import SCRIPTS

File = tuple[str, str, bytes]

# RT hashes the token of every request at a cost of 0.2 s of CPU, and starts a program for every mail that nobody reads
_QUICK = "Set($BcryptCost, 4);\nSet($MailCommand, 'testfile');\n1;\n"


class RealRt:
    """Start, stop, and an agent's hands. `webhook` is called by RT's own scrips when it is set before `start`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.facts: dict[str, Any] = {}
        self._contents: dict[str, tuple[str, dict[str, int]]] = {}  # by transaction

    def start(self, webhook: str = "") -> "RealRt":
        command = [str(SCRIPTS / "rt.sh"), "start", "--dir", str(self._folder), "--port", str(self.port)]
        if webhook:
            command += ["--webhook", webhook]
        more = self._folder / "none" / "quick.pm"  # where the script lets RT look for more of its configuration
        more.parent.mkdir(parents=True, exist_ok=True)
        more.write_text(_QUICK, "utf-8")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        self.facts = json.loads(done.stdout.strip().splitlines()[-1])
        return self

    def stop(self) -> None:
        subprocess.run([str(SCRIPTS / "rt.sh"), "stop", "--dir", str(self._folder)], check=True, capture_output=True)

    def clean(self) -> None:
        subprocess.run([str(SCRIPTS / "rt.sh"), "clean", "--dir", str(self._folder)], check=False, capture_output=True)

    def account(self, **more: Any) -> dict[str, Any]:
        return {
            "kind": "rt",
            "api_base": self.facts["rest2"],
            "token": self.facts["token"],
            "queue": self.facts["queue"],
            "hook_secret": "rt-hook-secret",
            **more,
        }

    async def answers(
        self, ticket: str, text: str, *, verb: str = "correspond", html: bool = False, files: tuple[File, ...] = ()
    ) -> None:
        """An agent answers (`correspond`) or remarks (`comment`)."""
        fields = {"Content": text, "ContentType": "text/html" if html else "text/plain"}
        parts = [("Attachments", (name, data, mime)) for name, mime, data in files] or [("_", ("", b"", "text/plain"))]
        await self._call("POST", f"/ticket/{ticket}/{verb}", data={"JSON": json.dumps(fields)}, files=parts)

    def add_field(self, name: str) -> None:
        """A custom field for tickets of the queue, which everybody with a seat may see and change."""
        script = (
            "use RT -init; my ($name, $queue) = @ARGV; my $cf = RT::CustomField->new(RT->SystemUser);"
            "my ($id, $why) = $cf->Create(Name => $name, Type => 'FreeformSingle', LookupType => "
            "'RT::Queue-RT::Ticket'); die $why unless $id;"
            "my $q = RT::Queue->new(RT->SystemUser); $q->Load($queue); $cf->AddToObject($q);"
            "my $all = RT::Group->new(RT->SystemUser); $all->LoadSystemInternalGroup('Privileged');"
            "$all->PrincipalObj->GrantRight(Right => $_, Object => $cf) for qw(SeeCustomField ModifyCustomField);"
        )
        self._perl(script, name, self.facts["queue"])

    def disable(self, *, disabled: bool) -> None:
        """As an administrator of RT does with the bridge's own user: it is refused until it is enabled again."""
        script = (
            "use RT -init; my $user = RT::User->new(RT->SystemUser); $user->Load($ARGV[0]);"
            "my ($done, $why) = $user->SetDisabled($ARGV[1]); die $why unless $done;"
        )
        self._perl(script, self.facts["user"], str(int(disabled)))

    def _perl(self, script: str, *arguments: str) -> None:
        config = [f"RT_SITE_CONFIG={self._folder}/RT_SiteConfig.pm", f"RT_SITE_CONFIG_DIR={self._folder}/none"]
        perl = ["perl", "-I/usr/share/request-tracker5/lib", "-e", script, *arguments]
        done = subprocess.run(
            ["runuser", "-u", "www-data", "--", "env", *config, *perl], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]

    async def fields(self, ticket: str) -> dict[str, list[str]]:
        """The custom fields of a ticket."""
        found = (await self._call("GET", f"/ticket/{ticket}")).json().get("CustomFields") or []
        return {field["name"]: field["values"] for field in found}

    async def set_status(self, ticket: str, status: str) -> None:
        await self._call("PUT", f"/ticket/{ticket}", json={"Status": status})

    async def status(self, ticket: str) -> str:
        return str((await self._call("GET", f"/ticket/{ticket}")).json()["Status"])

    async def tickets(self, requestor: str) -> list[str]:
        """The tickets of a customer, oldest first."""
        query = f"Requestor.EmailAddress = '{requestor}'"
        answer = await self._call("GET", "/tickets", params={"query": query, "orderby": "id", "per_page": 100})
        return [str(item["id"]) for item in answer.json()["items"]]

    async def seen(self, ticket: str) -> list[tuple[str, str, str, dict[str, int]]]:
        """What stands on a ticket: (kind, creator, text, {file name: bytes}), oldest first."""
        fields = {"fields": "Type,Creator", "per_page": 100}
        history = (await self._call("GET", f"/ticket/{ticket}/history", params=fields)).json()["items"]
        entries = []
        for item in history:
            if item["Type"] not in {"Create", "Correspond", "Comment"}:
                continue
            if item["id"] not in self._contents:  # what a transaction holds never changes
                self._contents[item["id"]] = await self._content(item["id"])
            entries.append((item["Type"], item["Creator"]["id"], *self._contents[item["id"]]))
        return entries

    async def _content(self, transaction: str) -> tuple[str, dict[str, int]]:
        fields = {"fields": "Filename,ContentType,ContentLength,Content", "per_page": 100}
        listed = (await self._call("GET", f"/transaction/{transaction}/attachments", params=fields)).json()["items"]
        text = "".join(
            one["Content"] for one in listed if not one["Filename"] and one["ContentType"].startswith("text/")
        )
        return text, {one["Filename"]: int(one["ContentLength"]) for one in listed if one["Filename"]}

    async def _call(self, method: str, path: str, **options: Any) -> Response:
        http = Http(timeout=30)
        try:
            headers = {"authorization": f"token {self.facts['agent_token']}"}
            answer = await http.request(method, self.facts["rest2"] + path, headers=headers, **options)
        finally:
            await http.close()
        assert answer.ok, (answer.status, answer.text[:300])
        return answer
