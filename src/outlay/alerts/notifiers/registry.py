"""Every notifier. A new one is one file, its test and one line here."""

from __future__ import annotations

from outlay.alerts.notifiers.apprise import Apprise
from outlay.alerts.notifiers.base import Notifier
from outlay.alerts.notifiers.email import Email
from outlay.alerts.notifiers.pagerduty import PagerDuty
from outlay.alerts.notifiers.slack import Slack
from outlay.alerts.notifiers.webhook import Webhook

#: In the order of the documentation.
NOTIFIERS: tuple[type[Notifier], ...] = (Slack, PagerDuty, Email, Webhook, Apprise)
