"""Webhooks: who is told of which events, signed deliveries with retries, events that came in."""

from aragora_sql.stores.webhooks.deliveries import DeliveryFailedError, WebhookDeliveries
from aragora_sql.stores.webhooks.events import WebhookEvents
from aragora_sql.stores.webhooks.records import (
    DELIVERY_JOB,
    DELIVERY_STATUSES,
    WEBHOOK_EVENTS,
    CircuitPolicy,
    DeliveryStatus,
    OutgoingDelivery,
    RegisteredWebhook,
    WebhookConfig,
    WebhookDelivery,
)
from aragora_sql.stores.webhooks.signing import SIGNATURE_HEADER, sign_payload, verify_signature
from aragora_sql.stores.webhooks.store import WebhookStore

__all__ = [
    "DELIVERY_JOB",
    "DELIVERY_STATUSES",
    "SIGNATURE_HEADER",
    "WEBHOOK_EVENTS",
    "CircuitPolicy",
    "DeliveryFailedError",
    "DeliveryStatus",
    "OutgoingDelivery",
    "RegisteredWebhook",
    "WebhookConfig",
    "WebhookDeliveries",
    "WebhookDelivery",
    "WebhookEvents",
    "WebhookStore",
    "sign_payload",
    "verify_signature",
]
