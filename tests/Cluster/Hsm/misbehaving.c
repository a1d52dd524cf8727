// A PKCS#11 module that is SoftHSM, except that it misbehaves as other modules were seen to, each way while a file of that name is
// in the directory SWITCHES. Needs no header and no library, so that tcc alone builds it. INNER is the path of SoftHSM.

typedef unsigned long ulong;
typedef unsigned char byte;

extern void *dlopen(const char *path, int flags);
extern void *dlsym(void *library, const char *name);
extern int access(const char *path, int mode);
extern void abort(void);
extern int pthread_mutex_lock(void *mutex);
extern int pthread_mutex_unlock(void *mutex);

typedef struct { ulong type; void *value; ulong length; } attribute;
typedef ulong (*any)();

// CK_FUNCTION_LIST: a version, and the functions in the standard's order.
typedef struct { byte version[8]; any function[68]; } functions;
enum {
    Initialize = 0, Finalize = 1, GetFunctionList = 3, OpenSession = 12, CloseSession = 13, DestroyObject = 22,
    GetAttributeValue = 24, FindObjects = 27, EncryptInit = 29, DecryptInit = 33, SignInit = 42, Sign = 43, GenerateKey = 58, GenerateKeyPair = 59
};
enum {
    Ok = 0, GeneralError = 5, FunctionFailed = 6, AttributeTypeInvalid = 0x12, DeviceError = 0x30, DeviceMemory = 0x31, MechanismInvalid = 0x70,
    TemplateInconsistent = 0xd1
};
enum { Token = 1, Label = 3, Value = 0x11, SignRecover = 0x109, PublicExponent = 0x122, Extractable = 0x162, Copyable = 0x171 };
enum { RsaOaep = 9, EdwardsKeyPairGen = 0x1055 };

static functions *inner;
static functions ours;
static ulong dropped[64];
static int drops;
static int sessions;
static int wrong;
static ulong mutex[16];

#define IS_ON(name) (access(SWITCHES "/" name, 0) == 0)

static int was_dropped(ulong object) {
    for (int i = 0; i < drops; i++) if (dropped[i] == object) return 1;
    return 0;
}

static int find(attribute *attributes, ulong count, ulong type) {
    for (ulong i = 0; i < count; i++) if (attributes[i].type == type) return (int)i;
    return -1;
}

static ulong initialize(void *arguments) {
    drops = 0;
    return inner->function[Initialize](arguments);
}

// openCryptoki 3.27 dies when threads that used it end after this.
static ulong finalize(void *reserved) {
    if (IS_ON("dies-of-open-sessions") && sessions != 0) abort();
    sessions = 0;
    return inner->function[Finalize](reserved);
}

static void count_sessions(int change) {
    pthread_mutex_lock(mutex);
    sessions += change;
    pthread_mutex_unlock(mutex);
}

static ulong open_session(ulong slot, ulong flags, void *application, void *notify, ulong *session) {
    ulong code = inner->function[OpenSession](slot, flags, application, notify, session);
    if (code == Ok) count_sessions(1);
    return code;
}

static ulong close_session(ulong session) {
    ulong code = inner->function[CloseSession](session);
    if (code == Ok) count_sessions(-1);
    return code;
}

// The object stays on the token, and is no longer in the module's own list.
static ulong destroy_object(ulong session, ulong object) {
    int is_first = drops == 0 && IS_ON("destroys-nothing-once");
    if (!is_first && !IS_ON("destroys-nothing")) return inner->function[DestroyObject](session, object);
    if (drops < 64) dropped[drops++] = object;
    return FunctionFailed;
}

static ulong find_objects(ulong session, ulong *objects, ulong room, ulong *count) {
    ulong code = inner->function[FindObjects](session, objects, room, count), kept = 0;
    if (code != Ok) return code;
    for (ulong i = 0; i < *count; i++) if (!was_dropped(objects[i])) objects[kept++] = objects[i];
    *count = kept;
    return Ok;
}

static ulong encrypt_init(ulong session, void *mechanism, ulong key) {
    byte is_on_token = 0;
    attribute token = { Token, &is_on_token, 1 };
    inner->function[GetAttributeValue](session, key, &token, 1UL);
    if (IS_ON("encrypts-nothing") || (IS_ON("encrypts-by-session-keys-only") && is_on_token)) return MechanismInvalid;
    return inner->function[EncryptInit](session, mechanism, key);
}

static ulong decrypt_init(ulong session, void *mechanism, ulong key) {
    if (IS_ON("decrypts-nothing") && *(ulong *)mechanism == RsaOaep) return MechanismInvalid;
    return inner->function[DecryptInit](session, mechanism, key);
}

static ulong generate_key(ulong session, void *mechanism, attribute *attributes, ulong count, ulong *key) {
    int token = find(attributes, count, Token);
    if (IS_ON("is-full") && token >= 0 && *(byte *)attributes[token].value) return DeviceMemory;
    int label = find(attributes, count, Label);
    if (IS_ON("shortens-labels") && label >= 0) attributes[label].length = 1;
    if (IS_ON("knows-no-copyable") && find(attributes, count, Copyable) >= 0) return GeneralError;
    return inner->function[GenerateKey](session, mechanism, attributes, count, key);
}

static int is_true(attribute *attributes, ulong count, ulong type) {
    int at = find(attributes, count, type);
    return at >= 0 && *(byte *)attributes[at].value;
}

static ulong generate_pair(
    ulong session, void *mechanism, attribute *ofPublic, ulong publics, attribute *ofPrivate, ulong privates, ulong *public, ulong *private) {
    static byte yes = 1, three = 3;
    int at;
    ulong other, code;
    if (IS_ON("is-full") && is_true(ofPrivate, privates, Token)) return DeviceMemory;
    if (IS_ON("knows-no-eddsa") && *(ulong *)mechanism == EdwardsKeyPairGen) return MechanismInvalid;
    if (IS_ON("keeps-pairs-together") && is_true(ofPrivate, privates, Token) != is_true(ofPublic, publics, Token)) return TemplateInconsistent;
    if (IS_ON("shortens-labels") && (at = find(ofPrivate, privates, Label)) >= 0) ofPrivate[at].length = 1;
    if (IS_ON("makes-extractable-keys") && (at = find(ofPrivate, privates, Extractable)) >= 0) ofPrivate[at].value = &yes;
    if (IS_ON("makes-exponent-3") && (at = find(ofPublic, publics, PublicExponent)) >= 0) {
        ofPublic[at].value = &three;
        ofPublic[at].length = 1;
    }

    attribute more[32];
    if (IS_ON("knows-no-copyable")) {
        if (find(ofPrivate, privates, Copyable) >= 0) return AttributeTypeInvalid;
        // What it knows and is not told it grants.
        if (find(ofPrivate, privates, SignRecover) < 0 && privates < 32) {
            for (ulong i = 0; i < privates; i++) more[i] = ofPrivate[i];
            more[privates].type = SignRecover;
            more[privates].value = &yes;
            more[privates].length = 1;
            ofPrivate = more;
            privates++;
        }
    }

    code = inner->function[GenerateKeyPair](session, mechanism, ofPublic, publics, ofPrivate, privates, public, private);
    if (code == Ok && IS_ON("mixes-pairs-up")) {
        // The public key of another pair, whose private key goes.
        attribute *at_token = &ofPrivate[find(ofPrivate, privates, Token)];
        static byte no = 0;
        at_token->value = &no;
        code = inner->function[GenerateKeyPair](session, mechanism, ofPublic, publics, ofPrivate, privates, public, &other);
    }

    return code;
}

static ulong sign_init(ulong session, void *mechanism, ulong key) {
    if (IS_ON("signs-nothing")) return DeviceError;
    return inner->function[SignInit](session, mechanism, key);
}

// A fault in the device, as one in half of the Chinese remainder theorem would be.
static ulong sign(ulong session, byte *data, ulong length, byte *signature, ulong *room) {
    ulong code = inner->function[Sign](session, data, length, signature, room);
    if (code == Ok && signature && (IS_ON("signs-wrong") || (IS_ON("signs-wrong-once") && !wrong++))) signature[*room / 2] ^= 1;
    return code;
}

static ulong get_attribute_value(ulong session, ulong object, attribute *attributes, ulong count) {
    if (IS_ON("knows-no-copyable") && find(attributes, count, Copyable) >= 0) return AttributeTypeInvalid;
    ulong code = inner->function[GetAttributeValue](session, object, attributes, count);
    int value = find(attributes, count, Value);
    if (code == Ok && value >= 0 && attributes[value].value && IS_ON("derives-wrong")) *(byte *)attributes[value].value ^= 1;
    return code;
}

static ulong get_function_list(functions **list) {
    *list = &ours;
    return Ok;
}

ulong C_GetFunctionList(functions **list) {
    void *library = dlopen(INNER, 2);
    any get = library ? (any)dlsym(library, "C_GetFunctionList") : 0;
    if (!get || get(&inner) != Ok) return GeneralError;
    ours = *inner;
    ours.function[Initialize] = initialize;
    ours.function[Finalize] = finalize;
    ours.function[GetFunctionList] = get_function_list;
    ours.function[OpenSession] = open_session;
    ours.function[CloseSession] = close_session;
    ours.function[DestroyObject] = destroy_object;
    ours.function[GetAttributeValue] = get_attribute_value;
    ours.function[FindObjects] = find_objects;
    ours.function[EncryptInit] = encrypt_init;
    ours.function[DecryptInit] = decrypt_init;
    ours.function[GenerateKey] = generate_key;
    ours.function[GenerateKeyPair] = generate_pair;
    ours.function[SignInit] = sign_init;
    ours.function[Sign] = sign;
    return get_function_list(list);
}
