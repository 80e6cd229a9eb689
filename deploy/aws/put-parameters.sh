#!/usr/bin/env bash
# Puts the application's secrets into the AWS Parameter Store, as SecureStrings.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: put-parameters.sh [--path /aragora/prod/] [--overwrite] [NAME ...]

NAMEs are variables; without any: DATABASE_URL SUPABASE_KEY ARAGORA_ENCRYPTION_KEY.
A value is that of the environment, or is asked for. An ARAGORA_ENCRYPTION_KEY that is not
given is made, unless the store has one. Values are on no command line and not printed.
Nothing is written when a value is missing, or a parameter is there without --overwrite.

exit codes: 0 done; 1 a parameter is there, or AWS refused; 2 wrong arguments or no value
USAGE
}

fail() {
    echo "put-parameters: $2" >&2
    exit "$1"
}

path=/aragora/prod/
overwrite=()
names=()
while [ $# -gt 0 ]; do
    case $1 in
    --path) [ $# -gt 1 ] || fail 2 "--path needs a value"; path=$2; shift ;;
    --overwrite) overwrite=(--overwrite) ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; fail 2 "unknown option $1" ;;
    *) names+=("$1") ;;
    esac
    shift
done
[ ${#names[@]} -gt 0 ] || names=(DATABASE_URL SUPABASE_KEY ARAGORA_ENCRYPTION_KEY)
[[ $path =~ ^(/[A-Za-z0-9_.-]+)+/?$ ]] || fail 2 "--path: $path is not such as /aragora/prod/"
path=${path%/}/
for name in "${names[@]}"; do
    [[ $name =~ ^[A-Z][A-Z0-9_]*$ ]] || fail 2 "$name is not the name of a variable"
done
command -v aws >/dev/null || fail 2 "the program aws is missing: pip install awscli"

# Which there are already; their values are not asked for.
paths=("${names[@]/#/$path}")
there=$(aws ssm get-parameters --names "${paths[@]}" --query 'Parameters[].Name' --output text) ||
    fail 1 "AWS refused to tell which parameters there are"
is_there() { [[ " ${there//[$'\t\n']/ } " == *" $path$1 "* ]]; }

declare -A values
todo=()
for name in "${names[@]}"; do
    value=${!name:-}
    if [ -z "$value" ] && [ "$name" = ARAGORA_ENCRYPTION_KEY ]; then
        # Another key would make what is encrypted unreadable.
        if is_there "$name"; then
            echo "$path$name: is there, and stays as it is"
            continue
        fi
        value=$(openssl rand -base64 32)
    fi
    if ! [ ${#overwrite[@]} -gt 0 ] && is_there "$name"; then
        fail 1 "$path$name is there already; nothing was written. --overwrite replaces it"
    fi
    if [ -z "$value" ] && [ -t 0 ]; then
        read -rsp "$name: " value
        echo
    fi
    [ -n "$value" ] || fail 2 "$name: no value: set the variable, or run this on a terminal"
    if [[ $name == *DATABASE_URL || $name == *_DSN ]]; then
        [[ $value == postgresql://* || $value == postgres://* ]] ||
            fail 2 "$name: the value does not begin with postgresql://"
        [[ $value != *PASSWORD@* && $value != *\[PASSWORD\]* && $value != *PROJECT.supabase.co* ]] ||
            fail 2 "$name: the value still has a word to be replaced: PASSWORD or PROJECT"
    fi
    values[$name]=$value
    todo+=("$name")
done

for name in "${todo[@]}"; do
    version=$(printf '%s' "${values[$name]}" |
        aws ssm put-parameter --name "$path$name" --value file:///dev/stdin --type SecureString \
            "${overwrite[@]}" --query Version --output text) ||
        fail 1 "AWS refused $path$name; those that are printed above were written"
    echo "$path$name: version $version"
done
