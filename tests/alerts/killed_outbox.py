"""A process that sends what waits, to be killed by a test: `killed_outbox.py FOLDER URL`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from outlay.alerts.notifiers.webhook import Webhook
from outlay.alerts.outbox import Outbox
from outlay.questions.windows import now
from outlay.state.database import open_state


def main() -> None:
    folder, url = Path(sys.argv[1]), sys.argv[2]
    own = Webhook.parse("own", {"url": url, "secret": {"env": "WEBHOOK_KEY"}}, "here", Path())
    with open_state(folder) as state:
        outbox = Outbox(state, (own,), now, lease=timedelta(seconds=2))
        outbox.start()
        sys.stdin.read()
        outbox.stop()


if __name__ == "__main__":
    main()
