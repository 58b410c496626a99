"""Hashes of passwords as they may be stored, and texts in their place that are none."""

# Of `Password1`, as this project makes them, and as others did.
COMPLETE = "$argon2id$v=19$m=19456,t=2,p=1$SqcQOlaQIIkHlk2oa/AfSg$xEHNUpybVDo/bbLE/gq0oPK8/CN1N4FtK8x5jTa69HY"
OTHER_VARIANTS = [
    "$argon2i$v=19$m=8,t=1,p=1$uAgywldMtczHC7lsCneDgg$ZDf59F0TRjZhOI+SnZfFnRceNkuBRVC7PLhD44vQYoo",
    "$argon2d$v=19$m=8,t=1,p=1$vn8/0T/VfsvEVBtWdaEGdA$tft840GIuFc3OD3iePKhH6eeaN6ktiwmpTP5jXpZyPw",
]
SALT, DIGEST = COMPLETE.split("$")[-2:]
FOREIGN = {
    "empty": "",
    "a word": "unusable",
    "the password itself": "Password1",
    "bcrypt": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "PBKDF2": "pbkdf2_sha256$870000$salt$oZ9bLyvqfUqR4Mk3k0tUQ2sQ1jXk3xkOWHNVf7vXo0c=",
    "scrypt": "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0$nZ9bLyvqfUqR4Mk3k0tUQ2sQ1jXk3xkOWHNVf7vXo0c",
    "SHA-1": "70ccd9007338d6d81dd3b6271621b9cf9a97ea00",
    "with the name of its author": f"argon2{COMPLETE}",
}
DAMAGED = {
    "its parameters alone": "$argon2id$v=19$m=19456,t=2,p=1",
    "without its digest": COMPLETE.removesuffix(f"${DIGEST}"),
    "without the end of its digest": COMPLETE[:-1],
    "with hardly any digest": COMPLETE[: -len(DIGEST) + 4],
    "with the last digit changed": f"{COMPLETE[:-1]}9",
    "with a line break": f"{COMPLETE}\n",
    "with more at its end": f"{COMPLETE}$",
    "padded": f"{COMPLETE}=",
    "in capitals": COMPLETE.upper(),
    "without its salt": COMPLETE.replace(SALT, ""),
    "with a salt of other characters": COMPLETE.replace(SALT, "é" * len(SALT)),
    "with a salt that cannot be": COMPLETE.replace(SALT, SALT[:-1]),
    "with costs that are no numbers": COMPLETE.replace("t=2", "t=two"),
    "with costs in other digits": COMPLETE.replace("t=2", "t=\N{ARABIC-INDIC DIGIT TWO}"),
    "of an unknown variant": COMPLETE.replace("argon2id", "argon2x"),
}
NOT_OURS = FOREIGN | DAMAGED
