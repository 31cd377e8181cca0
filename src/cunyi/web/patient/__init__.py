"""The pages for villagers: what they answer before they see the doctor, on their own phone or on the clinic's tablet."""
