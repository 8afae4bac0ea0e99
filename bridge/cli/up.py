"""`bridge up`: the first command of a newcomer, and the same ever after."""

import click

from bridge.cli.common import CONFIG, guarded, read_config


@click.command()
@CONFIG
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@guarded
def up(config: str | None, port: int, host: str) -> None:
    """Sets the bridge up in the browser where there is no configuration yet, and serves with it."""
    from bridge.app import Bridge
    from bridge.serve import listen, run_again
    from bridge.settings import find_config
    from bridge.telemetry import set_up_logging
    from bridge.wizard.draft import Drafts
    from bridge.wizard.up import is_allowed, refuse_insecure, run_set_up

    set_up_logging()
    path = find_config(config)
    if Drafts(path).unfinished():
        refuse_insecure(host, port, allowed=is_allowed())
        held = listen(host, port)
        held[0].listen()
        if not run_set_up(path, held[0], host):
            return
    else:
        held = listen(host, port)

    def make() -> Bridge:
        settings, declared, path = read_config(config)
        click.echo(f"The console: {settings.bridge.public_url}/console/")
        return Bridge(settings, declared, config=path)

    run_again(make, host, port, bring_up_to_date=True, held=held)
