import {
    FieldSelectorField,
    fieldSelectorField,
} from "@web/views/fields/field_selector/field_selector_field";
import {registry} from "@web/core/registry";

/** Chooses a field of a document type that is a date, or a date and time. */
export class NotifyDateField extends FieldSelectorField {
    filter(fieldDef) {
        return (
            super.filter(fieldDef) &&
            fieldDef.searchable &&
            ["date", "datetime"].includes(fieldDef.type)
        );
    }
}

registry.category("fields").add("notify_date_field", {
    ...fieldSelectorField,
    component: NotifyDateField,
});
