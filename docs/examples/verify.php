<?php
// Verifies a Postrider webhook with PHP's own functions.
//
//   php verify.php <scheme> <secret> <header-value> [id timestamp] < body
//
// Exit status: 0 genuine, 1 not genuine, 2 wrong usage.
// In every function $body is the bytes as received:
// file_get_contents('php://input'), or $request->getContent() in Laravel and Symfony.
declare(strict_types=1);

const TOLERANCE_SECONDS = 5 * 60;

/** $signature: the value of X-Sequr-Signature. */
function verifySequr(string $secret, string $signature, string $body): bool
{
    return hash_equals('sha1=' . hash_hmac('sha1', $body, $secret), $signature);
}

/** $signature: the value of X-GenLogs-Signature, with or without sha512=. */
function verifyGenLogs(string $secret, string $signature, string $body): bool
{
    if (str_starts_with($signature, 'sha512=')) {
        $signature = substr($signature, strlen('sha512='));
    }
    return hash_equals(hash_hmac('sha512', $body, $secret), $signature);
}

/**
 * $signatures: the value of webhook-signature, which may hold several;
 * $id and $timestamp: the values of webhook-id and webhook-timestamp.
 */
function verifyStandard(string $secret, string $signatures, string $id, string $timestamp, string $body): bool
{
    if (!preg_match('/\A[0-9]{1,12}\z/', $timestamp)) {
        return false;
    }
    if (abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $key = str_starts_with($secret, 'whsec_')
        ? base64_decode(substr($secret, strlen('whsec_')), true)
        : $secret;
    if ($key === false) {
        return false;
    }
    $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $signatures) as $signature) {
        if (hash_equals($want, $signature)) {
            return true;
        }
    }
    return false;
}

function main(array $args): int
{
    $schemes = ['sequr' => ['verifySequr', 2], 'genlogs' => ['verifyGenLogs', 2], 'standard' => ['verifyStandard', 4]];
    [$verify, $count] = $schemes[$args[0] ?? ''] ?? [null, 0];
    if ($verify === null || count($args) - 1 !== $count) {
        fwrite(STDERR, "usage: verify sequr|genlogs|standard <secret> <header-value> [id timestamp] < body\n");
        return 2;
    }
    $genuine = $verify(...array_slice($args, 1), ...[stream_get_contents(STDIN)]);
    echo $genuine ? "genuine\n" : "not genuine\n";
    return $genuine ? 0 : 1;
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    exit(main(array_slice($argv, 1)));
}
