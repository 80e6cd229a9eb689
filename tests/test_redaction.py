"""One place decides what a secret is: by the words of its name, or by the value's own form."""

from __future__ import annotations

import pytest

from aragora_sql.redaction import (
    REDACTED,
    add_secret_names,
    has_secret,
    hide_in_text,
    hide_secrets,
    is_secret,
    is_secret_name,
    is_secret_value,
)


def listed(names: str) -> list[str]:
    return names.split()


SECRETS = listed(
    """
    APIKey apikey secretKey SMTPPassword AWSSecretAccessKey authtoken passphrase tokens
    signing_key Authorization api_key API_KEY apiKey ApiKeyValue x-api-key X-Auth-Token
    api.key APIkey Api-Key access_token accessToken refresh_token id_token bearer_token
    bot_token slack_bot_token token_v2 client_secret clientSecret clientsecret app_secret
    consumer_secret webhook_secret secret secrets secret_key_base SLACK_SIGNING_SECRET
    shared_secret totp_secret password passwd pwd db_pass smtp_pass dbPassword userpassword
    rootPassword password1 password_2 PassWord pass_word pass pin passcode totp private_key
    privateKey privatekey private_key_pem ssh_key sshKey encryption_key encryptionKey
    master_key hmac_key account_key storage_key license_key service_role_key stripe_key
    openai_key sendgrid_api_key subscription_key access_key accesskey secret_access_key
    credentials credential creds basic_auth auth proxy_auth Cookie session_cookie jwt webhook
    webhook_url webhookUrl incoming_webhook_url hook_url slack_webhook connection_string
    connectionString sentry_dsn recovery_codes backup_code security_answer seed_phrase
    pre_shared_key sas_token sharedAccessKey service_account_json oauth authorization_header
    auth_header twilio_auth_token api_key_prod xPasswordConfirmation pgp_passphrase
    keystorePassword
    contraseña contrasena senha_smtp mot_de_passe MotDePasse wachtwoord pkey tls_pkey
    client_assertion clientAssertion dbpass smtppass DBPASS db_pw userPw
    wifi_psk SharedAccessSignature privkey tlsKey sslkey
    pincode pin_code mfa_code
    """
)

PLAIN = listed(
    """
    token_count keyboard author monkey authors authority authored_by secretary tokenizer
    tokenize max_tokens maxTokens total_tokens prompt_tokens completion_tokens token_limit
    token_budget token_usage token_type token_expiry token_expires_at password_policy
    password_min_length passwordRequired api_key_id access_key_id key_id keyId public_key
    publicKey primary_key foreign_key sort_key cache_key partition_key idempotency_key
    issue_key key keys keynote turkey hockey donkey whiskey compass bypass passenger passive
    pinned spinner opinion channel chat_id phone_number_id homeserver_url smtp_username
    username url twilio_account_sid cookie_domain auth_type auth_method auth_url
    authentication_method webhook_enabled webhook_events client_id secret_name hotkey
    workspace_id theme port host ssl timeout passed pass_count pass_rate tokenization
    description certificate email_signature salted accent tokenId 名前
    """
)


@pytest.mark.parametrize("name", SECRETS)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert is_secret(name, "x")
    assert hide_secrets({"deep": [{name: "x"}]}) == {"deep": [{name: REDACTED}]}


@pytest.mark.parametrize("name", PLAIN)
def test_names_that_only_look_like_secrets(name: str) -> None:
    assert not is_secret_name(name)
    assert not has_secret({"deep": [{name: "x"}]})


def test_full_width_letters_count_as_the_plain_ones() -> None:
    assert is_secret_name("".join(chr(ord(letter) + 0xFEE0) for letter in "password"))


def test_there_are_enough_names() -> None:
    assert len(set(SECRETS)) == len(SECRETS) >= 100
    assert len(set(PLAIN)) == len(PLAIN) >= 80


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://user:hunter2@host/x", f"https://user:{REDACTED}@host/x"),
        ("postgresql://u:hunter2@h/db?x=1", f"postgresql://u:{REDACTED}@h/db?x=1"),
        ("postgresql://u:hunt@er2@h/db", f"postgresql://u:{REDACTED}@h/db"),
        ("redis://:hunter2@h", f"redis://:{REDACTED}@h"),
        ("https://hunter2hunter2hunter2@github.com/x", f"https://{REDACTED}@github.com/x"),
        ("https://h/?a=1&access_token=hunter2#top", f"https://h/?a=1&access_token={REDACTED}#top"),
        ("https://h/f?sig=hunter2", f"https://h/f?sig={REDACTED}"),
        ("host=h password=hunter2 port=1", f"host=h password={REDACTED} port=1"),
        ("Server=h;Pwd='hunter2';", f"Server=h;Pwd='{REDACTED}';"),
        ("AccountName=a;AccountKey=hunter2==;X=y", f"AccountName=a;AccountKey={REDACTED};X=y"),
        ("Bearer hunter2hunter2", f"Bearer {REDACTED}"),
        ("https://hooks.slack.com/services/T0/B0/hunter2", f"https://hooks.slack.com/{REDACTED}"),
        ("https://discord.com/api/webhooks/1/hunter2", f"https://discord.com/{REDACTED}"),
        ("xoxb-hunter2-hunter2", REDACTED),
        ("npm_hunter2hunter2hunter2", REDACTED),
        ("hf_hunter2hunter2hunter2", REDACTED),
        ("whsec_hunter2hunter2hunter2", REDACTED),
        ('{"user": "u", "password": "hunter2"}', f'{{"user": "u", "password": "{REDACTED}"}}'),
        ("https://chat.example/hooks/hunter2hunter2hunter2", f"https://chat.example/{REDACTED}"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2\n-----END PGP PRIVATE KEY BLOCK-----",
            REDACTED,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n",
            f"{REDACTED}\n",
        ),
    ],
)
def test_values_that_are_secrets_by_their_form(value: str, shown: str) -> None:
    assert is_secret_value(value)
    assert hide_in_text(value) == shown
    assert hide_in_text(f"failed: {value}") == f"failed: {shown}"
    assert hide_secrets({"channel": value, "list": [value]}) == {
        "channel": REDACTED,
        "list": [REDACTED],
    }


@pytest.mark.parametrize(
    "value",
    [
        "ssh://git@github.com/x",
        "https://example.org/@user/1?page=2",
        "https://user@example.org",
        "mailto:a@b.example",
        "x = 5",
        "the password is in the vault",
        "the password: ask Ann",
        "key=value",
        "https://api.example/repos/a/hooks/12345",
        '{"key": "a", "token_count": 3}',
        "mail a@b.example, see https://h/x@2",
        "public_key=abc",
        "sk-learn",
        "",
        "#general",
    ],
)
def test_values_that_are_none(value: str) -> None:
    assert not is_secret_value(value)


def test_text_of_logs_is_looked_through() -> None:
    assert hide_in_text('400: {"api_key": "hunter2", "channel": "c"}') == (
        f'400: {{"api_key": "{REDACTED}", "channel": "c"}}'
    )
    assert hide_in_text("password: hunter2 given") == f"password: {REDACTED} given"
    for before in ("no: password=", "note: api_key: ", "error: a: token: ", "a=secret="):
        assert hide_in_text(f"{before}hunter2 given") == f"{before}{REDACTED} given"


def test_the_value_of_a_pair_has_the_name_that_the_pair_gives_it() -> None:
    headers = [{"name": "X-Api-Key", "value": "a"}, {"key": "Accept", "value": "json"}]
    assert hide_secrets(headers) == [
        {"name": "X-Api-Key", "value": REDACTED},
        {"key": "Accept", "value": "json"},
    ]


def test_counts_and_documents_are_told_from_secrets() -> None:
    kept = {"tokens": 3, "use_auth": True, "oauth": {"client_id": "public"}, "password": None}
    assert hide_secrets(kept) == kept
    assert hide_secrets({"tokens": ["a"]}) == {"tokens": REDACTED}
    assert hide_secrets({"oauth": {"pass": "a"}}) == {"oauth": {"pass": REDACTED}}
    assert hide_secrets({"password": 1234}) == {"password": REDACTED}


@pytest.mark.usefixtures("own_names")
def test_an_application_names_its_own() -> None:
    assert not is_secret_name("telegram-chat-id")
    add_secret_names("chat_id")
    for name in ("chat_id", "chatId", "telegram-chat-id", "CHAT_ID_2", "mot_de_passe"):
        assert is_secret_name(name)
    assert not is_secret_name("id")
    with pytest.raises(ValueError, match="must have letters"):
        add_secret_names("_")


def test_the_environment_names_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_secret_name("roomName")
    monkeypatch.setenv("ARAGORA_SECRET_NAMES", "chat_id, room name,")
    assert is_secret_name("chatId")
    assert is_secret_name("roomName")
    assert not is_secret_name("room")
