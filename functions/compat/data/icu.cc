// ICU: sorting by a language's rules, case, transliteration, numbers and dates: all from its own data.
#include "functions/compat/compat.h"
#include <string>
#include <unicode/coll.h>
#include <unicode/datefmt.h>
#include <unicode/numfmt.h>
#include <unicode/timezone.h>
#include <unicode/translit.h>
#include <unicode/unistr.h>

using icu::UnicodeString;

int compat_load(void)
{
    return 0;
}

static std::string utf8(const UnicodeString &text)
{
    std::string bytes;
    return text.toUTF8String(bytes);
}

static UnicodeString moment(UErrorCode &error)
{
    UnicodeString text;
    std::unique_ptr<icu::DateFormat> format(
        icu::DateFormat::createDateTimeInstance(icu::DateFormat::kShort, icu::DateFormat::kShort, "de_DE"));
    if (!format) {
        error = U_MISSING_RESOURCE_ERROR;
        return text;
    }
    format->adoptTimeZone(icu::TimeZone::createTimeZone("Asia/Tokyo"));
    return format->format(0.0, text);
}

int compat_call(const char *input, FILE *out)
{
    UErrorCode error = U_ZERO_ERROR;
    UParseError where;
    UnicodeString text = UnicodeString::fromUTF8(input), number;
    std::unique_ptr<icu::Collator> swedish(icu::Collator::createInstance("sv", error));
    std::unique_ptr<icu::NumberFormat> format(icu::NumberFormat::createInstance("de_DE", error));
    std::unique_ptr<icu::Transliterator> latin(
        icu::Transliterator::createInstance("Any-Latin; Latin-ASCII", UTRANS_FORWARD, where, error));

    if (U_SUCCESS(error)) {
        bool after = swedish->compare(UnicodeString::fromUTF8("ö"), UnicodeString("z"), error) == UCOL_GREATER;
        UnicodeString plain = text, upper = text;
        latin->transliterate(plain);
        fprintf(out, "%s %s %s %s %s", utf8(upper.toUpper("el")).c_str(), utf8(plain).c_str(),
                utf8(format->format(1234567.5, number)).c_str(), after ? "z-ö" : "ö-z", utf8(moment(error)).c_str());
    }
    if (U_FAILURE(error))
        fprintf(out, "%s", u_errorName(error));
    return 0;
}
